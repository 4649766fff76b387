"""A picture of figures that grow: panels side by side, both axes logarithmic.

Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.
"""
import math
from xml.sax.saxutils import escape

WIDE, HIGH, LEFT, TOP, GAP = 300, 190, 60, 40, 70  # pixels of a panel, and around it
CSS = """text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: #333 } .t { font-weight: bold }
.n { text-anchor: end } .m { text-anchor: middle } line { stroke: #ddd } .c { fill: none; stroke: #0a6; stroke-width: 2 }
circle { fill: #0a6 } .b { fill: #fff }"""


def short(value):
    """1000 as 1k."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return "%.3g%s" % (value / size, letter)
    return "%.3g" % value


def scale(values, length):
    """Whole decades around the values, and a function from a value to pixels."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)
    return range(low, high + 1), lambda value: (math.log10(value) - low) / (high - low) * length


def panel(title, across, up, left):
    """One panel, as SVG."""
    decades_x, x = scale(across, WIDE)
    decades_y, y = scale(up, HIGH)
    out = ['<text class="t" x="%d" y="%d">%s</text>' % (left, TOP - 14, escape(title))]
    for n in decades_x:
        at = left + x(10 ** n)
        out.append('<line x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>' % (at, TOP, at, TOP + HIGH))
        out.append('<text class="m" x="%.1f" y="%d">%s</text>' % (at, TOP + HIGH + 18, short(10 ** n)))
    for n in decades_y:
        at = TOP + HIGH - y(10 ** n)
        out.append('<line x1="%d" y1="%.1f" x2="%d" y2="%.1f"/>' % (left, at, left + WIDE, at))
        out.append('<text class="n" x="%d" y="%.1f">%s</text>' % (left - 6, at + 4, short(10 ** n)))
    points = [(left + x(a), TOP + HIGH - y(b)) for a, b in zip(across, up)]
    out.append('<polyline class="c" points="%s"/>' % " ".join("%.1f,%.1f" % point for point in points))
    for (px, py), value in zip(points, up):
        out.append('<circle cx="%.1f" cy="%.1f" r="3"/><text class="m" x="%.1f" y="%.1f">%s</text>' % (px, py, px, py - 9, short(value)))
    return out


def draw(path, clients, panels):
    """Writes the SVG. panels: title and the values for each number of clients."""
    wide, high = LEFT + len(panels) * (WIDE + GAP), TOP + HIGH + 50
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d">' % (wide, high, wide),
           "<style>%s</style>" % CSS, '<rect class="b" width="%d" height="%d"/>' % (wide, high)]
    for i, (title, values) in enumerate(panels):
        out += panel(title, clients, values, LEFT + i * (WIDE + GAP))
    out.append('<text class="m" x="%d" y="%d">clients that are cached</text></svg>' % (wide // 2, high - 10))
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")
