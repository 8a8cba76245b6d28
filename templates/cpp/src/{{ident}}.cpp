#include "{{ident}}/{{ident}}.h"

int {{ident}}_add(int a, int b) { return a + b; }
