// include: include
// prints: 7 two
#include <yaml-cpp/yaml.h>

#include <cstdio>

int main() {
    YAML::Node node = YAML::Load("{list: [1, two, 7]}");
    std::printf("%d %s", node["list"][2].as<int>(), node["list"][1].as<std::string>().c_str());
}
