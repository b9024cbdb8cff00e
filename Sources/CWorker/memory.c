#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "CWorker.h"

static int sealed(int descriptor, int seals) {
    if (fcntl(descriptor, F_ADD_SEALS, seals | F_SEAL_SEAL) == 0) return descriptor;
    int error = errno;
    close(descriptor);
    return -error;
}

int cw_fixed_memory(size_t count) {
    int descriptor = memfd_create("dcd-pixels", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor < 0) return -errno;
    if (ftruncate(descriptor, (off_t)count) != 0) {
        int error = errno;
        close(descriptor);
        return -error;
    }
    return sealed(descriptor, F_SEAL_SHRINK | F_SEAL_GROW);
}

int cw_constant_memory(const void *bytes, size_t count) {
    int descriptor = memfd_create("dcd-query", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor < 0) return -errno;
    for (size_t done = 0; done < count;) {
        ssize_t written = write(descriptor, (const uint8_t *)bytes + done, count - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            int error = written < 0 ? errno : ENOSPC;
            close(descriptor);
            return -error;
        }
        done += (size_t)written;
    }
    return sealed(descriptor, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
}
