"""Generated C++ trees of any size, the same bytes for the same size.

A tree of N units has N/10 headers; each unit includes 20 of them, and every header includes
`base.hpp`, the widely included one.  Units define functions with C linkage that do not depend on each
other, so a library of them links, and its symbols tell whether all of them are in it.  No system
header is used: what is measured is the build tool, and `fakecc` can compile the same tree.
"""

import os
from pathlib import Path

INCLUDES = 20


def _header(number):
    return f"""#pragma once
#include "base.hpp"
namespace h{number} {{
// Scales by a constant of this header.
inline int scale(int x) {{ return x * {number % 97 + 2} + base::offset; }}
struct Pair {{ int first; int second; }};
inline int sum(Pair p) {{ return p.first + scale(p.second); }}
}}
"""


BASE = """#pragma once
// What every header builds on.
namespace base {
constexpr int offset = 3;
inline int clamp(int x) { return x < 0 ? 0 : x; }
}
"""


def _unit(number, headers):
    used = [(number * 7 + step * step * 3 + step) % headers for step in range(INCLUDES)]
    includes = "".join(f'#include "h{h:05}.hpp"\n' for h in used)
    calls = "".join(f"  x += h{h}::scale(x);\n" for h in dict.fromkeys(used))
    return f"""{includes}
extern "C" int unit_{number}(int x) {{
  x += 1000; // edited by the benchmark
{calls}  return base::clamp(x);
}}
"""


def unit_path(root, number):
    return Path(root) / "src" / f"d{number // 100:04}" / f"u{number:06}.cpp"


def generate(root, units):
    """Writes the tree of `units` units below `root`, unless it is there."""
    root = Path(root)
    done = root / ".generated"
    if done.exists() and done.read_text() == str(units):
        return root
    headers = max(units // 10, INCLUDES)
    include = root / "include"
    os.makedirs(include, exist_ok=True)
    (include / "base.hpp").write_text(BASE)
    for number in range(headers):
        (include / f"h{number:05}.hpp").write_text(_header(number))
    for number in range(units):
        path = unit_path(root, number)
        if number % 100 == 0:
            os.makedirs(path.parent, exist_ok=True)
        path.write_text(_unit(number, headers))
    done.write_text(str(units))
    return root


MATH_HEADER = """#pragma once
namespace math {{
// Part {name} of the library.
double {name}_one(double a, double b);
double {name}_sum(const double *values, int count);
struct Matrix{index} {{
  double cells[16];
  Matrix{index} times(const Matrix{index} &other) const;
}};
}}
"""


def mathlib(root):
    """The seed's example: 5 sources of about 200 lines, 3 headers."""
    root = Path(root)
    for index, name in enumerate(["basic", "matrix", "stats"]):
        path = root / "include" / f"{name}.hpp"
        os.makedirs(path.parent, exist_ok=True)
        path.write_text(MATH_HEADER.format(name=name, index=index))
    for index, name in enumerate(["basic", "matrix", "stats", "series", "geometry"]):
        header, owner = ["basic", "matrix", "stats", "stats", "matrix"][index], index
        body = [f'#include "{header}.hpp"', "#include <cmath>", "#include <vector>", "#include <algorithm>"]
        for number in range(24):
            body += [
                f'extern "C" double {name}_{number}(double x, int n) {{',
                "  std::vector<double> values;",
                f"  for (int i = 0; i < n; i++) values.push_back(std::sin(x * i) + {owner * 100 + number});",
                "  std::sort(values.begin(), values.end());",
                "  double sum = 1000; // edited by the benchmark",
                "  for (double value : values) sum += std::sqrt(std::fabs(value));",
                "  return sum;",
                "}",
            ]
        path = root / "src" / f"{name}.cpp"
        os.makedirs(path.parent, exist_ok=True)
        path.write_text("\n".join(body) + "\n")
    return root
