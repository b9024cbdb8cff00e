// What the two decoders share.
#ifndef CI_READER_H
#define CI_READER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CImageCodecs.h"

// Where a decoder that meets an error jumps to, and what it has complained of so far.
struct ci_trouble {
    jmp_buf jump;
    int status;            // CI_OK, CI_DAMAGED or an error
    char text[CI_MESSAGE];  // the first complaint of that rank
};

// Keeps the complaint unless an equal or worse one is known.
void ci_complain(struct ci_trouble *trouble, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

struct ci_jpeg *ci_jpeg_new(void);
int ci_jpeg_open(struct ci_jpeg *jpeg, const uint8_t *bytes, size_t count,
                 const struct ci_limits *limits, struct ci_header *header);
int ci_jpeg_read(struct ci_jpeg *jpeg, uint8_t *pixels);
const uint8_t *ci_jpeg_exif(const struct ci_jpeg *jpeg, size_t *count);
const char *ci_jpeg_message(const struct ci_jpeg *jpeg);
void ci_jpeg_free(struct ci_jpeg *jpeg);

struct ci_png *ci_png_new(void);
int ci_png_open(struct ci_png *png, const uint8_t *bytes, size_t count,
                const struct ci_limits *limits, struct ci_header *header);
int ci_png_read(struct ci_png *png, uint8_t *pixels);
const uint8_t *ci_png_exif(const struct ci_png *png, size_t *count);
const char *ci_png_message(const struct ci_png *png);
void ci_png_free(struct ci_png *png);

#endif
