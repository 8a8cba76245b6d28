"""`docs/performance.md` and its plot, out of the figures."""

import os

import measure

ORDER = ["jmake + daemon", "jmake", "ninja", "ninja + ccache", "ninja + sccache"]


def seconds(value):
    """A time as a person reads it."""
    if value < 0.0995:
        return f"{value * 1000:.1f} ms"
    return f"{value:.2f} s" if value < 9.95 else f"{value:.1f} s"


def judge(case):
    """The ratio to the tool compared with, the target in words, and whether it is reached."""
    ours = case.seconds[case.ours]
    kind = case.target[0]
    if kind == "seconds":
        _, limit, text = case.target
        return f"{measure.median(ours) / limit:.3f} of it", text, measure.median(ours) <= limit
    _, tool, limit = case.target
    if tool not in case.seconds:
        return "", f"≤ {limit} × {tool}", None
    ratio = measure.ratio(ours, case.seconds[tool])
    return f"{ratio:.2g} × {tool}" if ratio < 0.1 else f"{ratio:.2f} × {tool}", f"≤ {limit} × {tool}", ratio <= limit


def cpu_ratio(case):
    """The same ratio of processor time, which other work on the machine does not lengthen."""
    tool = case.target[1] if case.target[0] == "ratio" else "ninja"
    # The server of sccache is no child, so its work would not count.
    if tool not in case.cpu or case.ours not in case.cpu or "sccache" in tool:
        return ""
    return f"{measure.ratio(case.cpu[case.ours], case.cpu[tool]):.2g}"


def _verdict(reached):
    return {True: "reached", False: "**missed**", None: "not measured"}[reached]


def markdown(cases, machine, text):
    """The page."""
    lines = [text["intro"], "", "## Machine", ""]
    lines += [f"- {key}: {value}" for key, value in machine.items()]
    lines += ["", "## Where jmake loses", ""]
    lost = [case for case in cases if judge(case)[2] is False]
    lines += [f"- {case.group}, {case.name}: {judge(case)[0]} (target {judge(case)[1]})" for case in lost] or ["- nowhere in this run"]
    groups = list(dict.fromkeys(case.group for case in cases))
    for group in groups:
        mine = [case for case in cases if case.group == group]
        used = [tool for tool in ORDER if any(tool in case.seconds for case in mine)]
        lines += ["", f"## {group}", ""]
        if group in text["groups"]:
            lines += [text["groups"][group], ""]
        load = max(case.load for case in mine)
        if load > 1.5 * (os.cpu_count() or 1):
            lines += [f"*The machine was busy with other work (load {load:.0f} on {os.cpu_count()} cores): the seconds are "
                      "inflated; the CPU ratio holds.*", ""]
        lines.append(f"| case | {' | '.join(used)} | ratio | CPU ratio | target | verdict | jmake's memory | runs |")
        lines.append("|---" * (len(used) + 7) + "|")
        for case in mine:
            times = [seconds(measure.median(case.seconds[tool])) if tool in case.seconds else "" for tool in used]
            ratio, target, reached = judge(case)
            memory = f"{case.memory / (1 << 20):.0f} MiB" if case.memory else ""
            name = f"{case.name} ({case.note})" if case.note else case.name
            runs = len(case.seconds[case.ours])
            lines.append(f"| {name} | {' | '.join(times)} | {ratio} | {cpu_ratio(case)} | {target} | {_verdict(reached)} | {memory} | {runs} |")
    lines += ["", "## Plot", "", "![jmake's time as a share of ninja's](performance.svg)", ""]
    return "\n".join(lines)


def with_kept(page, old, measured):
    """`page` with the sections of `old` about groups that were not measured again."""
    sections = lambda text: {part.split("\n", 1)[0]: part for part in text.split("\n## ")[1:]}
    kept = [part for title, part in sections(old).items() if title not in ("Machine", "Where jmake loses", "Plot") and title not in measured]
    if not kept:
        return page
    titles = [part.split("\n", 1)[0] for part in kept]
    losses = [line for line in sections(old).get("Where jmake loses", "").split("\n") if any(line.startswith(f"- {title}, ") for title in titles)]
    head, plot = page.rsplit("\n## Plot", 1)
    heading = "## Where jmake loses\n\n"
    head = head.replace(heading, heading + "".join(f"{line}\n" for line in losses), 1)
    if losses:
        head = head.replace("- nowhere in this run\n", "", 1)
    return "\n## ".join([head.rstrip("\n") + "\n", *(part.rstrip("\n") + "\n" for part in kept)]) + "\n## Plot" + plot


STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: #1b1f24 }
.head { font-weight: 600 }
.dim { fill: #59636e }
.axis { stroke: #8c959f; stroke-width: 1 }
.win { fill: #1a7f5a } .lose { fill: #c4432b }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .dim { fill: #9aa4af } .axis { stroke: #6e7681 }
  .win { fill: #3fb58a } .lose { fill: #f0795f }
}
</style>"""


def plot(cases):
    """Bars on a logarithmic scale: jmake's time over ninja's, 1 in the middle."""
    import math

    bars = [(case, measure.ratio(case.seconds[case.ours], case.seconds["ninja"])) for case in cases if "ninja" in case.seconds]
    left, width, row = 330, 420, 20
    low, high = -2.5, 1.0  # powers of ten
    at = lambda ratio: left + (min(max(math.log10(ratio), low), high) - low) / (high - low) * width
    height = 46 + row * len(bars) + 26 * len({case.group for case, _ in bars})
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 80} {height}" role="img"'
        ' aria-label="time of jmake divided by time of ninja, per case">',
        STYLE,
        '<text x="8" y="18" class="head">time of jmake ÷ time of ninja (left of 1: jmake is faster)</text>',
    ]
    for power in (0.01, 0.1, 1, 10):
        out.append(f'<line class="axis" x1="{at(power):.1f}" y1="28" x2="{at(power):.1f}" y2="{height - 6}" '
                   f'stroke-dasharray="{"none" if power == 1 else "2 4"}"/>')
        out.append(f'<text class="dim" x="{at(power) + 3:.1f}" y="38">{power:g}</text>')
    y, group = 44, None
    for case, ratio in bars:
        if case.group != group:
            group = case.group
            y += 22
            out.append(f'<text x="8" y="{y}" class="head">{_escape(group)}</text>')
            y += 4
        start, end = sorted((at(1), at(ratio)))
        kind = "win" if ratio <= 1 else "lose"
        out.append(f'<text x="20" y="{y + 13}">{_escape(case.name)}</text>')
        out.append(f'<rect class="{kind}" x="{start:.1f}" y="{y + 3}" width="{max(end - start, 1.5):.1f}" height="12" rx="2"/>')
        out.append(f'<text class="dim" x="{left + width + 8}" y="{y + 13}">{ratio:.2g}</text>')
        y += row
    out.append("</svg>")
    return "\n".join(out) + "\n"


def _escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")
