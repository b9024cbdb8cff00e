#include "reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ci_reader {
    enum ci_format format;
    struct ci_jpeg *jpeg;
    struct ci_png *png;
};

void ci_complain(struct ci_trouble *trouble, int status, const char *format, ...) {
    if (status <= trouble->status) return;
    trouble->status = status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(trouble->text, sizeof trouble->text, format, arguments);
    va_end(arguments);
}

static void copy_message(char *to, const char *from) {
    size_t count = strnlen(from, CI_MESSAGE - 1);
    memcpy(to, from, count);
    to[count] = 0;
}

int ci_open(enum ci_format format, const uint8_t *bytes, size_t count,
            const struct ci_limits *limits, struct ci_reader **out, struct ci_header *header,
            char message[CI_MESSAGE]) {
    *out = NULL;
    struct ci_reader *reader = calloc(1, sizeof *reader);
    if (reader) {
        reader->format = format;
        if (format == CI_JPEG) reader->jpeg = ci_jpeg_new();
        else reader->png = ci_png_new();
    }
    if (!reader || (!reader->jpeg && !reader->png)) {
        free(reader);
        copy_message(message, "out of memory");
        return CI_NO_MEMORY;
    }
    int status;
    if (format == CI_JPEG) {
        status = ci_jpeg_open(reader->jpeg, bytes, count, limits, header);
        copy_message(message, ci_jpeg_message(reader->jpeg));
    } else {
        status = ci_png_open(reader->png, bytes, count, limits, header);
        copy_message(message, ci_png_message(reader->png));
    }
    if (status == CI_OK || status == CI_DAMAGED) {
        *out = reader;
        return CI_OK;  // what is amiss so far is told again by ci_read
    }
    ci_close(reader);
    return status;
}

int ci_read(struct ci_reader *reader, uint8_t *pixels, char message[CI_MESSAGE]) {
    if (reader->format == CI_JPEG) {
        int status = ci_jpeg_read(reader->jpeg, pixels);
        copy_message(message, ci_jpeg_message(reader->jpeg));
        return status;
    }
    int status = ci_png_read(reader->png, pixels);
    copy_message(message, ci_png_message(reader->png));
    return status;
}

const uint8_t *ci_exif(const struct ci_reader *reader, size_t *count) {
    return reader->format == CI_JPEG ? ci_jpeg_exif(reader->jpeg, count)
                                     : ci_png_exif(reader->png, count);
}

void ci_close(struct ci_reader *reader) {
    if (!reader) return;
    if (reader->jpeg) ci_jpeg_free(reader->jpeg);
    if (reader->png) ci_png_free(reader->png);
    free(reader);
}
