#ifndef {{ident}}_H
#define {{ident}}_H

#ifdef __cplusplus
extern "C" {
#endif

/* The sum of a and b. Functions between these braces can be called from any language. */
int {{ident}}_add(int a, int b);

#ifdef __cplusplus
}
#endif

#endif
