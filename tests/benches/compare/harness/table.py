"""The tables, in Markdown. In brackets: a figure divided by that of the first system that was measured."""

WORKS = {"say": "three steps, no effect outside", "read": "three effects of an in-process handler"}


def main(results):
    """`results`: (name, version, work, figures or a text that says what failed)."""
    lines = [
        "| system | work | one client p50 | p99 | many clients p50 | p99 | runs/s | idle CPU | memory idle → after load | disk a run | fdatasync before – after |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    base = {}
    for name, version, work, figures in results:
        head = f"| {name} {version} | {WORKS[work]} |"
        if isinstance(figures, str):
            lines.append(f"{head} failed: {figures.replace('|', '/')} | | | | | | | | |")
            continue
        base.setdefault(work, figures)
        first = base[work]
        cells = [
            _ratio(_ms, lambda it: it["one_client"]["p50"], figures, first),
            _ratio(_ms, lambda it: it["one_client"]["p99"], figures, first),
            _ratio(_ms, lambda it: it["load"]["p50"], figures, first),
            _ratio(_ms, lambda it: it["load"]["p99"], figures, first),
            _ratio(_number, lambda it: it["runs"]["a_second"], figures, first),
            f"{figures['idle']:.2f} %",
            f"{_mb(figures['memory'][0])} → {_ratio(_mb, lambda it: it['memory'][1], figures, first)}",
            _ratio(_kb, lambda it: it["disk_a_run"], figures, first),
            f"{_ms(figures['fdatasync_before']['p50'])} – {_ms(figures['fdatasync_after']['p50'])}",
        ]
        lines.append(f"{head} {' | '.join(cells)} |")
    return lines


def waiting(results, count):
    """`results`: (name, version, figures or a text that says what failed)."""
    lines = [
        f"| {count} runs wait for a person | starts/s | memory each | CPU while they wait | answers/s to completion | ready after a kill (with so many waiting) |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    first = None
    for name, version, figures in results:
        if isinstance(figures, str):
            lines.append(f"| {name} {version} | failed: {figures.replace('|', '/')} | | | | |")
            continue
        first = first or figures
        cells = [
            _ratio(_number, lambda it: it["starts"]["a_second"], figures, first),
            _kb((figures["waiting"]["memory_after"] - figures["starting"]["memory_before"]) / count),
            f"{figures['waiting']['server']:.2f} %",
            _ratio(_number, lambda it: it["answers"]["a_second"], figures, first),
            f"{_ratio(_seconds, lambda it: it['ready'], figures, first)} ({figures['left']})",
        ]
        lines.append(f"| {name} {version} | {' | '.join(cells)} |")
    return lines


def _ratio(shown, of, figures, first):
    text = shown(of(figures))
    if figures is first or not of(first):
        return text
    return f"{text} (×{of(figures) / of(first):.2g})"


def _ms(microseconds):
    return f"{microseconds / 1e3:.2f} ms"


def _seconds(seconds):
    return f"{seconds:.2f} s"


def _number(number):
    return f"{number:.0f}"


def _mb(number):
    return f"{number / 1e6:.0f} MB"


def _kb(number):
    return f"{number / 1e3:.1f} KB"
