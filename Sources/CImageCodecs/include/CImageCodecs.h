// Decoding of JPEG (libjpeg) and PNG (libpng) from memory to 8 bit RGB, as stored (not yet upright),
// and encoding of both.
//
// Both libraries report errors by longjmp, which must never cross a Swift frame, so every call to
// them stays behind these functions. A reader is opened (the header is read and checked against
// the limits before anything large is allocated), read once, and closed:
//
//     struct ci_reader *reader;
//     struct ci_header header;
//     char message[CI_MESSAGE];
//     if (ci_open(CI_JPEG, bytes, count, &limits, &reader, &header, message) == CI_OK) {
//         status = ci_read(reader, pixels, message);  // header.width * header.height * 3 bytes
//         ci_close(reader);
//     }
#ifndef CIMAGECODECS_H
#define CIMAGECODECS_H

#include <stddef.h>
#include <stdint.h>

enum ci_format { CI_JPEG, CI_PNG };

enum ci_status {
    CI_OK = 0,
    CI_DAMAGED = 1,      // no pixel is known to be missing, but the file is not as it should be
    CI_CORRUPT = 2,      // pixels are missing or wrong
    CI_TOO_LARGE = 3,    // over a limit
    CI_UNSUPPORTED = 4,  // a kind of JPEG or PNG that the library does not read
    CI_NO_MEMORY = 5,
};

// The size of every message buffer, its final NUL included.
enum { CI_MESSAGE = 256 };

struct ci_limits {
    uint64_t max_pixels;
    // Progressive (and any multi-scan) JPEG keeps all coefficients in memory: 2 bytes each.
    uint64_t max_coefficient_bytes;
    // A JPEG of many scans costs a pass over the picture for each.
    int max_scans;
    // JPEG is scaled down, by 1/2, 1/4 or 1/8, to a short side of no less than this; 0: full size.
    uint32_t least_short_side;
};

struct ci_header {
    uint32_t width, height;            // of the pixels that ci_read writes
    uint32_t stored_width, stored_height;  // of the picture in the file
};

struct ci_reader;

// Reads the header. `bytes` must outlive the reader. Returns CI_OK, and the caller closes
// `*reader`; or another status with a sentence in `message`, and `*reader` is NULL.
int ci_open(enum ci_format format, const uint8_t *bytes, size_t count,
            const struct ci_limits *limits, struct ci_reader **reader, struct ci_header *header,
            char message[CI_MESSAGE]);

// Decodes to rows of red, green, blue, top to bottom, without padding. Alpha is composed over
// white, 16 bit is reduced by png_set_scale_16, gamma and colour profiles are ignored, CMYK is
// multiplied out. Returns CI_OK; or CI_DAMAGED, with a sentence and the whole picture; or another
// status with a sentence, and `pixels` holds nothing of use.
int ci_read(struct ci_reader *reader, uint8_t *pixels, char message[CI_MESSAGE]);

// The EXIF block (it begins with the TIFF header) and its length; NULL when there is none. To be
// asked after ci_read, since PNG may hold it behind the picture. Lives as long as the reader.
const uint8_t *ci_exif(const struct ci_reader *reader, size_t *count);

// Frees the reader. NULL is allowed.
void ci_close(struct ci_reader *reader);

// Encodes rows of red, green, blue, top to bottom, without padding: to PNG, or to baseline JPEG of
// a quality from 1 to 100. Returns CI_OK and the file in `*bytes`, which the caller frees with
// free(); CI_TOO_LARGE for a side of 0 or over 65,500; or CI_NO_MEMORY. Both libraries may jump on
// errors, so this too stays behind one function.
int ci_encode(enum ci_format format, const uint8_t *pixels, uint32_t width, uint32_t height,
              int quality, uint8_t **bytes, size_t *count);

#endif
