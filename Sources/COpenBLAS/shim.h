// BLAS through its C interface. Debian's libopenblas-dev brings no lapacke.h, so the
// LAPACK routines that are used are declared here in their Fortran form.
#include <cblas.h>
