#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"

struct ci_png {
    png_structp decoder;
    png_infop info;
    const uint8_t *bytes;
    size_t count, position;
    struct ci_trouble trouble;
    bool is_whole;  // all rows are read: what fails now costs no pixel
};

// Chunks that change nothing we use. Text could inflate to more memory than the picture, and
// faulty colour profiles are common: neither is looked at.
static const png_byte ignored_chunks[] =
    "tEXt\0zTXt\0iTXt\0iCCP\0gAMA\0cHRM\0sRGB\0bKGD\0hIST\0sPLT\0pHYs\0sBIT\0oFFs\0sCAL\0pCAL\0"
    "tIME";

static void on_error(png_structp decoder, png_const_charp text) {
    struct ci_png *png = png_get_error_ptr(decoder);
    bool is_memory = strstr(text, "memory") != NULL;
    if (!png->is_whole) png->trouble.status = CI_OK;
    ci_complain(&png->trouble,
                png->is_whole ? CI_DAMAGED
                : is_memory   ? CI_NO_MEMORY
                              : CI_CORRUPT,
                "%s", text);
    longjmp(png->trouble.jump, 1);
}

static void on_warning(png_structp decoder, png_const_charp text) {
    struct ci_png *png = png_get_error_ptr(decoder);
    ci_complain(&png->trouble, CI_DAMAGED, "%s", text);
}

static void read_bytes(png_structp decoder, png_bytep to, size_t count) {
    struct ci_png *png = png_get_io_ptr(decoder);
    if (count > png->count - png->position) png_error(decoder, "the file ends too early");
    memcpy(to, png->bytes + png->position, count);
    png->position += count;
}

struct ci_png *ci_png_new(void) { return calloc(1, sizeof(struct ci_png)); }

// Everything becomes 8 bit RGB over white.
static void set_transformations(png_structp decoder, png_infop info) {
    bool has_alpha = (png_get_color_type(decoder, info) & PNG_COLOR_MASK_ALPHA) != 0 ||
                     png_get_valid(decoder, info, PNG_INFO_tRNS) != 0;
    png_set_expand(decoder);
    png_set_scale_16(decoder);
    if (has_alpha) {
        // Composed before the reduction to 8 bit, in the depth of the file.
        png_uint_16 full = png_get_bit_depth(decoder, info) == 16 ? 65535 : 255;
        png_color_16 white = {0, full, full, full, full};
        png_set_background(decoder, &white, PNG_BACKGROUND_GAMMA_SCREEN, 0, 1.0);
    }
    png_set_gray_to_rgb(decoder);
}

int ci_png_open(struct ci_png *png, const uint8_t *bytes, size_t count,
                const struct ci_limits *limits, struct ci_header *header) {
    png->bytes = bytes;
    png->count = count;
    if (setjmp(png->trouble.jump)) return png->trouble.status;

    png->decoder = png_create_read_struct(PNG_LIBPNG_VER_STRING, png, on_error, on_warning);
    if (png->decoder) png->info = png_create_info_struct(png->decoder);
    if (!png->info) {
        ci_complain(&png->trouble, CI_NO_MEMORY, "out of memory");
        return CI_NO_MEMORY;
    }
    png_set_keep_unknown_chunks(png->decoder, PNG_HANDLE_CHUNK_NEVER, ignored_chunks,
                                sizeof ignored_chunks / 5);
    png_set_read_fn(png->decoder, png, read_bytes);
    png_read_info(png->decoder, png->info);

    png_uint_32 width = png_get_image_width(png->decoder, png->info);
    png_uint_32 height = png_get_image_height(png->decoder, png->info);
    *header = (struct ci_header){width, height, width, height};
    if ((uint64_t)width * height > limits->max_pixels) {
        png->trouble.status = CI_OK;
        ci_complain(&png->trouble, CI_TOO_LARGE, "it is %u×%u pixels, more than %llu in all",
                    width, height, (unsigned long long)limits->max_pixels);
        return CI_TOO_LARGE;
    }
    set_transformations(png->decoder, png->info);
    return png->trouble.status;
}

int ci_png_read(struct ci_png *png, uint8_t *pixels) {
    if (setjmp(png->trouble.jump)) return png->trouble.status;

    png_structp decoder = png->decoder;
    int passes = png_set_interlace_handling(decoder);
    png_read_update_info(decoder, png->info);
    png_uint_32 width = png_get_image_width(decoder, png->info);
    png_uint_32 height = png_get_image_height(decoder, png->info);
    size_t stride = (size_t)width * 3;
    if (png_get_rowbytes(decoder, png->info) != stride) {
        ci_complain(&png->trouble, CI_UNSUPPORTED, "it does not expand to RGB");
        return CI_UNSUPPORTED;
    }
    for (int pass = 0; pass < passes; pass++)
        for (png_uint_32 y = 0; y < height; y++) png_read_row(decoder, pixels + y * stride, NULL);
    png->is_whole = true;
    png_read_end(decoder, png->info);
    return png->trouble.status;
}

const uint8_t *ci_png_exif(const struct ci_png *png, size_t *count) {
    png_uint_32 bytes = 0;
    png_bytep exif = NULL;
    // Reads a field and reports no error.
    if (!png_get_eXIf_1(png->decoder, png->info, &bytes, &exif)) bytes = 0;
    *count = bytes;
    return bytes ? exif : NULL;
}

const char *ci_png_message(const struct ci_png *png) { return png->trouble.text; }

void ci_png_free(struct ci_png *png) {
    if (png->decoder && !setjmp(png->trouble.jump))
        png_destroy_read_struct(&png->decoder, png->info ? &png->info : NULL, NULL);
    free(png);
}
