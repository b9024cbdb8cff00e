// BLAS through its C interface. Debian's libopenblas-dev brings no lapacke.h, so the
// LAPACK routines that are used are declared here in their Fortran form: every argument
// by address, matrices column by column, and behind the last argument the length of each
// character argument, as gfortran passes them.
#ifndef COPENBLAS_SHIM_H
#define COPENBLAS_SHIM_H

#include <cblas.h>
#include <stddef.h>

// Selected eigenvalues and eigenvectors of a symmetric matrix, which is overwritten.
// `info` is 0, or -i when argument i is wrong, or positive when it did not converge.
void dsyevr_(const char *jobz, const char *range, const char *uplo, const int *n, double *a,
             const int *lda, const double *vl, const double *vu, const int *il, const int *iu,
             const double *abstol, int *m, double *w, double *z, const int *ldz, int *isuppz,
             double *work, const int *lwork, int *iwork, const int *liwork, int *info,
             size_t jobz_length, size_t range_length, size_t uplo_length);

// All eigenvalues and eigenvectors by divide and conquer; the vectors replace `a`.
void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda,
             double *w, double *work, const int *lwork, int *iwork, const int *liwork, int *info,
             size_t jobz_length, size_t uplo_length);

// The Cholesky factor of a symmetric positive definite matrix, in place of the triangle named.
// `info` is 0, or -i when argument i is wrong, or the order of a minor that is not positive.
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info,
             size_t uplo_length);

// The inverse of a triangular matrix, in its place.
void dtrtri_(const char *uplo, const char *diag, const int *n, double *a, const int *lda,
             int *info, size_t uplo_length, size_t diag_length);

#endif
