typedef int placeholder_CWorker;
