// System calls that decode workers need and that Swift cannot make itself: control messages are
// built by macros, prctl is variadic, and starting a program cleanly takes a dozen structures.
//
// All functions retry EINTR and return a negative errno value on failure.
#ifndef CWORKER_H
#define CWORKER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// What the daemon tells a worker once, with the memory for pixels as descriptor.
struct cw_setup {
    uint32_t version;  // CW_VERSION
    uint32_t width, height, short_side;
    uint32_t is_dct;
};

// What the daemon asks, with the open picture as descriptor.
struct cw_request {
    uint64_t number;
};

enum { CW_VERSION = 1, CW_REASON = 256, CW_CONTROL_DESCRIPTOR = 3 };

enum cw_outcome { CW_READY, CW_DECODED, CW_REFUSED };

// What a worker answers: CW_READY to the setup, one of the others to a request.
struct cw_answer {
    uint64_t number;   // the request's
    uint32_t outcome;  // enum cw_outcome
    uint32_t width, height;  // of the picture as shown upright at full size
    uint64_t bytes;    // written to the memory
    char reason[CW_REASON];  // why it was refused, or what is amiss nevertheless; UTF-8, NUL at its end
};

// A pair of connected sockets that keep messages apart, closed on exec.
int cw_socketpair(int sockets[2]);

// Sends one message and one descriptor (none when negative).
int cw_send(int socket, const void *bytes, size_t count, int descriptor);

// Receives one message of at most `capacity` bytes and at most one descriptor (-1 when there is
// none; the caller closes it, and it is closed on exec). Returns the message's length, 0 at the
// end, or -EMSGSIZE for a message or for descriptors that do not fit.
ssize_t cw_receive(int socket, void *bytes, size_t capacity, int *descriptor);

// Waits until a message can be received. Returns 1, or 0 when the time is over.
int cw_wait(int socket, int milliseconds);

// Memory of a fixed size that no one can shrink or grow, as a descriptor, closed on exec.
int cw_fixed_memory(size_t count);

// Memory that holds these bytes and that no one can change, as a descriptor, closed on exec.
int cw_constant_memory(const void *bytes, size_t count);

// Starts a program in a process group of its own, with `socket` as descriptor 3, standard input
// and output on /dev/null, no other descriptor but standard error, no blocked or ignored signals,
// and next to no environment. Returns its process identifier.
pid_t cw_spawn(const char *path, char *const arguments[], int socket);

// Waits for a child to end and reaps it. Returns 1 with its status as waitpid gives it, or 0 when
// `milliseconds` are over first (negative: no limit).
int cw_reap(pid_t child, int milliseconds, int *status);

// The signal that ended a child, or 0 where it ended by itself.
int cw_signal_of(int status);

// The name of a worker in lists of processes, at most 15 bytes.
#define CW_NAME "dcd: decode"

// Called by a worker: take the name, die with the thread that started it, ignore what is meant for
// the daemon, write no file and no core, open little, and take no more address space than this.
int cw_confine(size_t address_space);

#endif
