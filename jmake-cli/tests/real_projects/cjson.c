// include: .
// prints: 42
#include <cJSON.h>
#include <stdio.h>

int main(void) {
    cJSON *root = cJSON_Parse("{\"answer\": 42}");
    printf("%d", cJSON_GetObjectItem(root, "answer")->valueint);
    cJSON_Delete(root);
    return 0;
}
