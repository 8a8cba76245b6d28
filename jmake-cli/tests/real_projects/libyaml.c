// include: include
// jmake.toml: [project]
// jmake.toml: name = "yaml"
// jmake.toml: [compile.defines]
// jmake.toml: YAML_VERSION_MAJOR = "0"
// jmake.toml: YAML_VERSION_MINOR = "2"
// jmake.toml: YAML_VERSION_PATCH = "5"
// jmake.toml: YAML_VERSION_STRING = '"0.2.5"'
// prints: 0.2.5 3
// The version is what `configure` would write into a header.
#include <stdio.h>
#include <string.h>
#include <yaml.h>

int main(void) {
    const char *text = "[one, two, three]";
    yaml_parser_t parser;
    yaml_document_t document;
    yaml_parser_initialize(&parser);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
    if (!yaml_parser_load(&parser, &document)) return 1;
    yaml_node_t *root = yaml_document_get_root_node(&document);
    printf("%s %d", yaml_get_version_string(), (int)(root->data.sequence.items.top - root->data.sequence.items.start));
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
    return 0;
}
