// jpeglib.h needs stdio.h before it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "reader.h"

struct ci_jpeg {
    struct jpeg_decompress_struct decoder;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    struct ci_trouble trouble;
    int max_scans;
    JSAMPLE *row;  // one row of CMYK
    uint8_t *exif;
    size_t exif_count;
};

// libjpeg hands back the decoder; client_data leads to what surrounds it.
static struct ci_jpeg *owner(j_common_ptr decoder) { return decoder->client_data; }

static int status_of_error(int code) {
    switch (code) {
    case JERR_OUT_OF_MEMORY: return CI_NO_MEMORY;
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW: return CI_TOO_LARGE;
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_ARITH_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL: return CI_UNSUPPORTED;
    default: return CI_CORRUPT;
    }
}

// Warnings after which every pixel is still what the encoder wrote. Whatever else is warned of
// (a bad Huffman code, a data segment that ends early, a lost restart marker) costs pixels.
static int status_of_warning(int code) {
    switch (code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_BOGUS_ICC:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_JPEG_EOF:  // the end marker is missing; missing data is JWRN_HIT_MARKER
    case JWRN_TOO_MUCH_DATA: return CI_DAMAGED;
    default: return CI_CORRUPT;
    }
}

static void complain(j_common_ptr decoder, int status) {
    char text[JMSG_LENGTH_MAX];
    decoder->err->format_message(decoder, text);
    ci_complain(&owner(decoder)->trouble, status, "%s", text);
}

static void on_error(j_common_ptr decoder) {
    struct ci_jpeg *jpeg = owner(decoder);
    // An error outranks what was warned of before it.
    if (jpeg->trouble.status <= CI_CORRUPT) jpeg->trouble.status = CI_OK;
    complain(decoder, status_of_error(decoder->err->msg_code));
    longjmp(jpeg->trouble.jump, 1);
}

static void on_message(j_common_ptr decoder, int level) {
    if (level >= 0) return;  // a trace
    int status = status_of_warning(decoder->err->msg_code);
    complain(decoder, status);
    // libjpeg would go on and fill in grey: a picture of which a part is missing is refused, and
    // at once, since a few bytes can claim 200 megapixels.
    if (status == CI_CORRUPT) longjmp(owner(decoder)->trouble.jump, 1);
}

static void on_output(j_common_ptr decoder) { (void)decoder; }

static void on_progress(j_common_ptr decoder) {
    struct ci_jpeg *jpeg = owner(decoder);
    if (jpeg->decoder.input_scan_number > jpeg->max_scans) {
        jpeg->trouble.status = CI_OK;
        ci_complain(&jpeg->trouble, CI_TOO_LARGE, "it has more than %d scans", jpeg->max_scans);
        longjmp(jpeg->trouble.jump, 1);
    }
}

struct ci_jpeg *ci_jpeg_new(void) { return calloc(1, sizeof(struct ci_jpeg)); }

// What all coefficients take, in bytes: 64 of 2 bytes for each block of each component.
static uint64_t coefficient_bytes(const struct jpeg_decompress_struct *decoder) {
    uint64_t bytes = 0;
    for (int i = 0; i < decoder->num_components; i++) {
        const jpeg_component_info *component = &decoder->comp_info[i];
        bytes += (uint64_t)component->width_in_blocks * component->height_in_blocks * 128;
    }
    return bytes;
}

// The largest of 1, 2, 4, 8 that leaves a short side of `least`. Only powers of two: libjpeg-turbo
// has vector code for those.
static unsigned scale_denominator(uint32_t short_side, uint32_t least) {
    unsigned denominator = 8;
    while (denominator > 1 && short_side / denominator < least) denominator /= 2;
    return least ? denominator : 1;
}

// Copies the EXIF block, since libjpeg forgets its markers when the picture ends. A first APP1 may
// hold XMP: the one that says Exif counts. Without memory the picture is merely not turned.
static void keep_exif(struct ci_jpeg *jpeg) {
    for (jpeg_saved_marker_ptr marker = jpeg->decoder.marker_list; marker; marker = marker->next) {
        if (marker->marker != JPEG_APP0 + 1 || marker->data_length <= 6 ||
            memcmp(marker->data, "Exif\0", 5) != 0)
            continue;
        jpeg->exif = malloc(marker->data_length - 6);
        if (!jpeg->exif) return;
        jpeg->exif_count = marker->data_length - 6;
        memcpy(jpeg->exif, marker->data + 6, jpeg->exif_count);
        return;
    }
}

int ci_jpeg_open(struct ci_jpeg *jpeg, const uint8_t *bytes, size_t count,
                 const struct ci_limits *limits, struct ci_header *header) {
    struct jpeg_decompress_struct *decoder = &jpeg->decoder;
    decoder->err = jpeg_std_error(&jpeg->errors);
    jpeg->errors.error_exit = on_error;
    jpeg->errors.emit_message = on_message;
    jpeg->errors.output_message = on_output;
    decoder->client_data = jpeg;
    if (setjmp(jpeg->trouble.jump)) return jpeg->trouble.status;

    jpeg_create_decompress(decoder);
    jpeg->progress.progress_monitor = on_progress;
    jpeg->max_scans = limits->max_scans;
    decoder->progress = &jpeg->progress;
    jpeg_save_markers(decoder, JPEG_APP0 + 1, 0xFFFF);
    jpeg_mem_src(decoder, bytes, count);
    jpeg_read_header(decoder, TRUE);
    keep_exif(jpeg);

    header->stored_width = decoder->image_width;
    header->stored_height = decoder->image_height;
    if ((uint64_t)decoder->image_width * decoder->image_height > limits->max_pixels) {
        jpeg->trouble.status = CI_OK;
        ci_complain(&jpeg->trouble, CI_TOO_LARGE, "it is %u×%u pixels, more than %llu in all",
                    decoder->image_width, decoder->image_height,
                    (unsigned long long)limits->max_pixels);
        return CI_TOO_LARGE;
    }
    if (jpeg_has_multiple_scans(decoder) &&
        coefficient_bytes(decoder) > limits->max_coefficient_bytes) {
        jpeg->trouble.status = CI_OK;
        ci_complain(&jpeg->trouble, CI_TOO_LARGE,
                    "it is progressive and %u×%u pixels, more than memory is set aside for",
                    decoder->image_width, decoder->image_height);
        return CI_TOO_LARGE;
    }
    bool is_cmyk = decoder->jpeg_color_space == JCS_CMYK || decoder->jpeg_color_space == JCS_YCCK;
    decoder->out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
    uint32_t short_side = decoder->image_width < decoder->image_height ? decoder->image_width
                                                                       : decoder->image_height;
    decoder->scale_num = 1;
    decoder->scale_denom = scale_denominator(short_side, limits->least_short_side);
    jpeg_calc_output_dimensions(decoder);
    header->width = decoder->output_width;
    header->height = decoder->output_height;
    return jpeg->trouble.status;
}

// CMYK to RGB by multiplication. Adobe's files, which say so in an APP14 marker, hold the inverse
// of the ink: 255 is none.
static void multiply_out(const JSAMPLE *row, uint8_t *pixels, unsigned width, bool is_inverse) {
    for (unsigned x = 0; x < width; x++) {
        unsigned black = is_inverse ? row[4 * x + 3] : 255u - row[4 * x + 3];
        for (unsigned c = 0; c < 3; c++) {
            unsigned ink = is_inverse ? row[4 * x + c] : 255u - row[4 * x + c];
            pixels[3 * x + c] = (uint8_t)((ink * black + 127) / 255);
        }
    }
}

int ci_jpeg_read(struct ci_jpeg *jpeg, uint8_t *pixels) {
    struct jpeg_decompress_struct *decoder = &jpeg->decoder;
    if (setjmp(jpeg->trouble.jump)) return jpeg->trouble.status;

    jpeg_start_decompress(decoder);
    bool is_cmyk = decoder->out_color_space == JCS_CMYK;
    if (is_cmyk && !jpeg->row) {
        jpeg->row = malloc((size_t)decoder->output_width * 4);
        if (!jpeg->row) {
            ci_complain(&jpeg->trouble, CI_NO_MEMORY, "out of memory");
            return CI_NO_MEMORY;
        }
    }
    while (decoder->output_scanline < decoder->output_height) {
        uint8_t *to = pixels + (size_t)decoder->output_scanline * decoder->output_width * 3;
        JSAMPROW row = is_cmyk ? jpeg->row : to;
        jpeg_read_scanlines(decoder, &row, 1);
        if (is_cmyk)
            multiply_out(row, to, decoder->output_width, decoder->saw_Adobe_marker == TRUE);
    }
    jpeg_finish_decompress(decoder);
    return jpeg->trouble.status;
}

const uint8_t *ci_jpeg_exif(const struct ci_jpeg *jpeg, size_t *count) {
    *count = jpeg->exif_count;
    return jpeg->exif;
}

const char *ci_jpeg_message(const struct ci_jpeg *jpeg) { return jpeg->trouble.text; }

void ci_jpeg_free(struct ci_jpeg *jpeg) {
    // Destroying does not report errors; the jump is for what a future libjpeg may do.
    if (!setjmp(jpeg->trouble.jump)) jpeg_destroy_decompress(&jpeg->decoder);
    free(jpeg->row);
    free(jpeg->exif);
    free(jpeg);
}
