// The routines of OpenBLAS that are called, as types, since the library is loaded while the program
// runs, once it is known which of its kernels suit this CPU (LinearAlgebra's OpenBLAS); and what this
// CPU can do, which only a C compiler's probe tells.
//
// Integers are of 32 bits, as Debian builds the library. LAPACK is called in its Fortran form: every
// argument by address, matrices column by column, and behind the last argument the length of each
// character argument, as gfortran passes them.
#ifndef COPENBLAS_H
#define COPENBLAS_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// What this CPU and its operating system can do, as bits: AVX2 with FMA, and what Intel's servers
// have had since Skylake (AVX-512 F, CD, BW, DQ, VL).
enum { COB_AVX2 = 1, COB_AVX512 = 2 };
uint32_t cob_cpu_features(void);

// CBLAS's names for the order and the form of its matrices.
enum { COB_ROW_MAJOR = 101, COB_AS_IS = 111, COB_TRANSPOSED = 112 };

typedef void (*cob_set_num_threads)(int count);
typedef const char *_Nonnull (*cob_get_name)(void);

typedef void (*cob_sgemm)(int order, int form_a, int form_b, int m, int n, int k, float alpha,
                          const float *a, int lda, const float *b, int ldb, float beta, float *c,
                          int ldc);
typedef void (*cob_dgemm)(int order, int form_a, int form_b, int m, int n, int k, double alpha,
                          const double *a, int lda, const double *b, int ldb, double beta,
                          double *c, int ldc);
typedef double (*cob_ddot)(int n, const double *x, int x_step, const double *y, int y_step);
typedef void (*cob_daxpy)(int n, double alpha, const double *x, int x_step, double *y, int y_step);

// Selected eigenvalues and eigenvectors of a symmetric matrix, which is overwritten.
// `info` is 0, or -i when argument i is wrong, or positive when it did not converge.
typedef void (*cob_dsyevr)(const char *jobz, const char *range, const char *uplo, const int *n,
                           double *a, const int *lda, const double *vl, const double *vu,
                           const int *il, const int *iu, const double *abstol, int *m, double *w,
                           double *z, const int *ldz, int *isuppz, double *work, const int *lwork,
                           int *iwork, const int *liwork, int *info, size_t jobz_length,
                           size_t range_length, size_t uplo_length);

// All eigenvalues and eigenvectors by divide and conquer; the vectors replace `a`.
typedef void (*cob_dsyevd)(const char *jobz, const char *uplo, const int *n, double *a,
                           const int *lda, double *w, double *work, const int *lwork, int *iwork,
                           const int *liwork, int *info, size_t jobz_length, size_t uplo_length);

// The Cholesky factor of a symmetric positive definite matrix, in place of the triangle named.
// `info` is 0, or -i when argument i is wrong, or the order of a minor that is not positive.
typedef void (*cob_dpotrf)(const char *uplo, const int *n, double *a, const int *lda, int *info,
                           size_t uplo_length);

// The inverse of a triangular matrix, in its place.
typedef void (*cob_dtrtri)(const char *uplo, const char *diag, const int *n, double *a,
                           const int *lda, int *info, size_t uplo_length, size_t diag_length);

#pragma clang assume_nonnull end

#endif
