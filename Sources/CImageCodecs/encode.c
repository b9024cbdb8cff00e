// jpeglib.h needs stdio.h before it.
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

#include "CImageCodecs.h"

struct jpeg_writer {
    struct jpeg_compress_struct encoder;
    struct jpeg_error_mgr errors;
    jmp_buf jump;
    unsigned char *buffer;
    unsigned long count;
};

static void on_error(j_common_ptr encoder) {
    struct jpeg_writer *writer = encoder->client_data;
    longjmp(writer->jump, 1);
}

static void on_output(j_common_ptr encoder) { (void)encoder; }

static int encode_jpeg(struct jpeg_writer *writer, const uint8_t *pixels, uint32_t width,
                       uint32_t height, int quality) {
    struct jpeg_compress_struct *encoder = &writer->encoder;
    // The library takes new memory where this does not suffice, and an error would lose track of
    // it: more than any JPEG of so many pixels takes.
    writer->count = (unsigned long)width * height * 4 + 65536;
    writer->buffer = malloc(writer->count);
    if (!writer->buffer) return CI_NO_MEMORY;
    encoder->err = jpeg_std_error(&writer->errors);
    writer->errors.error_exit = on_error;
    writer->errors.output_message = on_output;
    encoder->client_data = writer;
    if (setjmp(writer->jump)) return CI_NO_MEMORY;  // sizes are checked before

    jpeg_create_compress(encoder);
    jpeg_mem_dest(encoder, &writer->buffer, &writer->count);
    encoder->image_width = width;
    encoder->image_height = height;
    encoder->input_components = 3;
    encoder->in_color_space = JCS_RGB;
    jpeg_set_defaults(encoder);
    jpeg_set_quality(encoder, quality, TRUE);
    encoder->optimize_coding = TRUE;
    jpeg_start_compress(encoder, TRUE);
    while (encoder->next_scanline < height) {
        // libjpeg only reads the row; its type does not say so.
        JSAMPROW row = (JSAMPROW)(uintptr_t)(pixels + (size_t)encoder->next_scanline * width * 3);
        jpeg_write_scanlines(encoder, &row, 1);
    }
    jpeg_finish_compress(encoder);
    return CI_OK;
}

static int encode_png(const uint8_t *pixels, uint32_t width, uint32_t height, uint8_t **bytes,
                      size_t *count) {
    png_image image;
    memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    image.width = width;
    image.height = height;
    image.format = PNG_FORMAT_RGB;
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    uint8_t *buffer = malloc(size);
    if (!buffer) return CI_NO_MEMORY;
    // libpng catches its own errors here.
    if (!png_image_write_to_memory(&image, buffer, &size, 0, pixels, 0, NULL)) {
        free(buffer);
        return CI_NO_MEMORY;
    }
    *bytes = buffer;
    *count = size;
    return CI_OK;
}

int ci_encode(enum ci_format format, const uint8_t *pixels, uint32_t width, uint32_t height,
              int quality, uint8_t **bytes, size_t *count) {
    *bytes = NULL;
    *count = 0;
    if (width == 0 || height == 0 || width > 65500 || height > 65500) return CI_TOO_LARGE;
    if (format == CI_PNG) return encode_png(pixels, width, height, bytes, count);
    struct jpeg_writer *writer = calloc(1, sizeof *writer);
    if (!writer) return CI_NO_MEMORY;
    int status = encode_jpeg(writer, pixels, width, height, quality);
    jpeg_destroy_compress(&writer->encoder);  // does nothing to what was not created
    if (status == CI_OK) {
        *bytes = writer->buffer;
        *count = writer->count;
    } else {
        free(writer->buffer);
    }
    free(writer);
    return status;
}
