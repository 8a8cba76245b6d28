// folder: lib
// include: .
// prints: aaaaaaaaaabbbbbbbbbb
#include <lz4.h>
#include <stdio.h>

int main(void) {
    char packed[100], text[100] = {0};
    int size = LZ4_compress_default("aaaaaaaaaabbbbbbbbbb", packed, 20, sizeof packed);
    if (LZ4_decompress_safe(packed, text, size, sizeof text) != 20) return 1;
    printf("%s", text);
    return 0;
}
