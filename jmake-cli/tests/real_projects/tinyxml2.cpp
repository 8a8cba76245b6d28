// include: .
// prints: hello
#include <tinyxml2.h>

#include <cstdio>

int main() {
    tinyxml2::XMLDocument document;
    document.Parse("<a><b>hello</b></a>");
    std::printf("%s", document.FirstChildElement("a")->FirstChildElement("b")->GetText());
}
