typedef int placeholder_CImageCodecs;
