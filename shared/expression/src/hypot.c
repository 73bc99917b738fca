/* Defines hypot, the one function of the C library that QuickJS takes from glibc 2.35 where it is
 * compiled there. Amazon Linux 2023 has glibc 2.34 (infra/build/program.py). */
#include <math.h>

double hypot(double x, double y)
{
    double longer = fmax(fabs(x), fabs(y)), shorter = fmin(fabs(x), fabs(y));
    if (isinf(longer))
        return longer;
    if (isnan(x) || isnan(y))
        return x + y;
    if (longer == 0)
        return 0;
    shorter /= longer;
    return longer * sqrt(1 + shorter * shorter);
}
