// The entry that libFuzzer calls, whose main is linked with it: an executable of SwiftPM that is
// written in Swift would need a main of its own. The file lies in memory.
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void exchange_fuzz(int descriptor);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    int descriptor = memfd_create("weights", 0);
    if (descriptor < 0 || write(descriptor, bytes, count) != (ssize_t)count) abort();
    exchange_fuzz(descriptor);
    close(descriptor);
    return 0;
}
