# SPDX-License-Identifier: GPL-2.0-only
"""Draws ratios to stock as an SVG picture: a bar for each row of the benchmark."""

from html import escape

COLUMNS = 2
WIDTH, TOP, LINE, EDGE = 1000, 64, 13, 14
COLUMN = (WIDTH - 2 * EDGE) // COLUMNS
NAME, SHARE = 205, 220      # where bars begin in a column, and how long stock's would be
LONGEST = 1.15              # what is longer is cut off; its number tells
INK, GREY, RULE = "#1f2937", "#6b7280", "#9ca3af"
BETTER, WORSE = "#2563eb", "#d97706"
SHORTEN = 34


def needs_more(ratio):
    """More than stock, by what a figure of two decimals shows."""
    return round(ratio, 2) > 1


def number(ratio):
    return f"{ratio:.2f}" if ratio >= 0.01 else f"{ratio:.1g}"


def bar(left, y, row, ratio):
    """One row: its name, the bar, the number."""
    name = row if len(row) <= SHORTEN else row[:SHORTEN - 1] + "…"
    start = left + NAME
    length = max(1, min(ratio, LONGEST) * SHARE)
    colour = WORSE if needs_more(ratio) else BETTER
    return (f'<g><title>{escape(row)}: {ratio:.4g}</title>'
            f'<text x="{start - 6}" y="{y + 9}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{start}" y="{y + 1}" width="{length:.1f}" height="{LINE - 3}" '
            f'fill="{colour}"/>'
            f'<text x="{start + length + 4:.1f}" y="{y + 9}" fill="{GREY}" '
            f'stroke="white" stroke-width="3" paint-order="stroke">{number(ratio)}</text>'
            '</g>')


def picture(title, ratios):
    """The picture of {row: this as a share of stock}, the best first."""
    rows = sorted(ratios.items(), key=lambda item: item[1])
    lines = -(-len(rows) // COLUMNS)
    height = TOP + lines * LINE + EDGE
    worse = sum(needs_more(ratio) for _, ratio in rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="DejaVu Sans, Helvetica, sans-serif" '
        f'font-size="9.5" fill="{INK}">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="{EDGE}" y="26" font-size="16" font-weight="bold">{escape(title)}</text>',
        f'<text x="{EDGE}" y="46" font-size="12" fill="{GREY}">This project as a share of stock, '
        f'{len(rows)} rows: {len(rows) - worse} need no more than stock (the line), '
        f'{worse} need more.</text>',
    ]
    for column in range(COLUMNS):
        left = EDGE + column * COLUMN
        shown = rows[column * lines:(column + 1) * lines]
        x, end = left + NAME + SHARE, TOP + len(shown) * LINE
        if shown:
            parts.append(f'<line x1="{x}" x2="{x}" y1="{TOP - 4}" y2="{end}" stroke="{RULE}" '
                         'stroke-dasharray="3 2"/>')
        parts += [bar(left, TOP + i * LINE, row, ratio) for i, (row, ratio) in enumerate(shown)]
    return "\n".join([*parts, "</svg>"]) + "\n"
