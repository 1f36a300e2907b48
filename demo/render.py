#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes frame.png and timeline.svg from what a run of dmabuf-demo left in a directory.

frame.raw is a captured frame (XRGB8888), timeline.json holds the times of every frame.
"""
import argparse
import json
import struct
import sys
import zlib
from pathlib import Path

# One colour per buffer: strong for the screen, the same one everywhere in the drawing.
COLOURS = ["#2563eb", "#d97706", "#059669"]
INK, GREY, RULE = "#1f2937", "#6b7280", "#e5e7eb"

LEFT, RIGHT, WIDTH = 170, 30, 1500
LANE, GAP = 24, 16
DETAIL_FRAMES = 13


def png(pixels, width, height):
    """An RGB PNG of XRGB8888 lines without padding."""
    rgb = bytearray(width * height * 3)
    rgb[0::3], rgb[1::3], rgb[2::3] = pixels[2::4], pixels[1::4], pixels[0::4]
    stride = width * 3
    lines = b"".join(b"\0" + rgb[y * stride:(y + 1) * stride] for y in range(height))

    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) +
            chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b""))


class Drawing:
    """SVG elements, appended in the order in which they are painted."""

    def __init__(self):
        self.parts = []

    def rect(self, x, y, width, height, title=None, **style):
        self.element("rect", title, x=f"{x:.1f}", y=f"{y:.1f}", width=f"{max(width, 0.8):.1f}",
                     height=f"{height:.1f}", **style)

    def line(self, x1, y1, x2, y2, **style):
        self.element("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}",
                     **style)

    def diamond(self, x, y, size, title=None, **style):
        self.element("path", title, d=f"M{x:.1f} {y - size:.1f}l{size} {size}l-{size} {size}"
                                      f"l-{size} -{size}z", **style)

    def text(self, x, y, text, **style):
        style = {"font_size": 12, "fill": INK, **style}
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}"{attributes(style)}>{escape(text)}</text>')

    def element(self, name, title=None, **style):
        inner = f"<title>{escape(title)}</title>" if title else ""
        self.parts.append(f"<{name}{attributes(style)}>{inner}</{name}>" if inner else
                          f"<{name}{attributes(style)}/>")

    def finish(self, width, height):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
                f'viewBox="0 0 {width} {height}" font-family="DejaVu Sans, Helvetica, sans-serif">\n'
                f'<rect width="{width}" height="{height}" fill="white"/>\n' +
                "\n".join(self.parts) + "\n</svg>\n")


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def attributes(style):
    return "".join(f' {name.replace("_", "-")}="{value}"' for name, value in style.items())


class Scale:
    """Times to places on the time axis."""

    def __init__(self, start, end):
        self.start, self.end = start, end

    def __call__(self, time):
        inside = min(max(time, self.start), self.end)
        return LEFT + (inside - self.start) / (self.end - self.start) * (WIDTH - LEFT - RIGHT)

    def sees(self, start, end):
        return start is not None and end is not None and start < self.end and end > self.start

    def has(self, time):
        return time is not None and self.start <= time <= self.end


def axis_step(span):
    """A round step that puts about ten marks on the axis."""
    for step in (s * 10 ** e for e in range(3, 9) for s in (1, 2, 5)):
        if span / step <= 12:
            return step
    return span


def axis(drawing, scale, top, bottom):
    step = axis_step(scale.end - scale.start)
    time = -(-scale.start // step) * step
    while time <= scale.end:
        drawing.line(scale(time), top, scale(time), bottom, stroke=RULE)
        drawing.text(scale(time), bottom + 16, f"{time / 1000:g} ms", fill=GREY, font_size=11,
                     text_anchor="middle")
        time += step


def screen_end(frames, frame):
    """When the frame leaves the screen: at the next flip."""
    index = frame["number"]
    return frames[index]["flipped"] if index < len(frames) else frame["released"]


def label_bar(drawing, scale, start, end, y, text, **style):
    """A label in the middle of what is seen of a bar, if there is room for it."""
    x1, x2 = scale(start), scale(end)
    if x2 - x1 > 8 * len(text) + 4:
        drawing.text((x1 + x2) / 2, y + LANE / 2 + 4, text, text_anchor="middle", font_size=11,
                     **style)


def bar(drawing, scale, start, end, y, text, **style):
    if not scale.sees(start, end):
        return
    fill = style.pop("label", "white")
    drawing.rect(scale(start), y + 2, scale(end) - scale(start), LANE - 4,
                 f"{text}: {start} to {end} µs", rx=3, **style)
    label_bar(drawing, scale, start, end, y, text.split()[-1], fill=fill)


def draw_buffer(drawing, scale, frames, buffer, top):
    """The three lanes of one buffer."""
    colour = COLOURS[buffer % len(COLOURS)]
    lanes = [top + lane * LANE for lane in range(3)]

    drawing.rect(14, top, 6, 3 * LANE, fill=colour, rx=2)
    drawing.text(30, top + 1.5 * LANE + 5, f"buffer {buffer}", font_weight="bold")
    for y, name in zip(lanes, ("producer", "fence", "display")):
        drawing.text(LEFT - 10, y + LANE / 2 + 4, name, text_anchor="end", fill=GREY)
        drawing.line(LEFT, y + LANE, WIDTH - RIGHT, y + LANE, stroke=RULE)

    for frame in frames:
        if frame["buffer"] != buffer:
            continue
        name = f"frame {frame['number']}"
        bar(drawing, scale, frame["begun"], frame["drawn"], lanes[0], f"draws {name}", fill=colour)
        bar(drawing, scale, frame["begun"], frame["signalled"], lanes[1], f"write fence of {name}",
            fill="url(#pending)", stroke="#b91c1c", label="none")
        bar(drawing, scale, frame["queued"], frame["flipped"], lanes[2], f"flip to {name} queued",
            fill=colour, fill_opacity=0.25, label="none")
        bar(drawing, scale, frame["flipped"], screen_end(frames, frame), lanes[2],
            f"screen shows {name}", fill=colour)
        if scale.has(frame["captured"]):
            drawing.diamond(scale(frame["captured"]), lanes[2] + LANE - 1, 4,
                            f"{name} captured, {frame['picture']}: {frame['captured']} µs",
                            fill="white" if frame["picture"] == "right" else "#dc2626",
                            stroke=INK)
        if scale.has(frame["released"]):
            x = scale(frame["released"])
            drawing.line(x, lanes[0] + 1, x, lanes[2] + LANE - 1, stroke=INK, stroke_width=1.5,
                         stroke_dasharray="3 2")


def draw_legend(drawing, y):
    x = LEFT
    colour = COLOURS[0]
    entries = [
        ("drawn, shown (with the frame's number)",
         lambda: drawing.rect(x, y - 11, 26, 14, fill=colour, rx=3)),
        ("write fence pending", lambda: drawing.rect(x, y - 11, 26, 14, fill="url(#pending)",
                                                     stroke="#b91c1c", rx=3)),
        ("flip queued", lambda: drawing.rect(x, y - 11, 26, 14, fill=colour, fill_opacity=0.25,
                                             rx=3)),
        ("captured (red: wrong)", lambda: drawing.diamond(x + 13, y - 4, 4, fill="white",
                                                          stroke=INK)),
        ("poll(POLLOUT): buffer free", lambda: drawing.line(x + 13, y - 13, x + 13, y + 5,
                                                            stroke=INK, stroke_width=1.5,
                                                            stroke_dasharray="3 2")),
    ]
    for text, symbol in entries:
        symbol()
        drawing.text(x + 34, y, text)
        x += 34 + 7.2 * len(text) + 28


def draw_overview(drawing, frames, detail, top):
    """All frames on one lane, coloured by buffer; the detail's part is framed."""
    scale = Scale(0, max(screen_end(frames, frame) or 0 for frame in frames))
    drawing.text(LEFT - 10, top + LANE / 2 + 4, "on the screen", text_anchor="end", fill=GREY)
    for frame in frames:
        end = screen_end(frames, frame)
        if not scale.sees(frame["flipped"], end):
            continue
        x = scale(frame["flipped"])
        drawing.rect(x, top, scale(end) - x - 0.5, LANE,
                     f"frame {frame['number']}, {frame['picture']}",
                     fill=COLOURS[frame["buffer"] % len(COLOURS)]
                     if frame["picture"] == "right" else "#dc2626")
    axis(drawing, scale, top + LANE, top + LANE + 5)
    x = scale(detail.start)
    drawing.rect(x, top - 4, scale(detail.end) - x, LANE + 8, fill="none", stroke=INK,
                 stroke_width=2, rx=3)


def detail_scale(frames):
    """From a little before a frame in the middle to a little after some frames more."""
    first = max(0, (len(frames) - DETAIL_FRAMES) // 2)
    shown = frames[first:first + DETAIL_FRAMES]
    start = min(frame["begun"] for frame in shown)
    end = max(screen_end(frames, frame) or frame["drawn"] for frame in shown)
    return Scale(start, end), shown[0]["number"], shown[-1]["number"]


def svg(timeline):
    frames, summary, source = (timeline[key] for key in ("frames", "summary", "source"))
    scale, first, last = detail_scale(frames)
    drawing = Drawing()
    drawing.parts.append('<defs><pattern id="pending" width="6" height="6" '
                         'patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
                         '<rect width="6" height="6" fill="#fee2e2"/>'
                         '<rect width="2" height="6" fill="#f87171"/></pattern></defs>')
    drawing.text(14, 30, f"Frames through dma-buf: buffers from {source}, a vkms display",
                 font_size=18, font_weight="bold")
    drawing.text(14, 52, f"{len(frames)} frames: {summary['shown']} shown, {summary['torn']} torn, "
                 f"{summary['lost']} lost, {summary['leaked']} leaked; {summary['waited']} flips "
                 f"waited for the producer's fence. Point at a bar for its times.", fill=GREY)
    draw_legend(drawing, 84)

    drawing.text(14, 124, "the whole run", font_weight="bold")
    draw_overview(drawing, frames, scale, 136)

    drawing.text(14, 214, f"frames {first} to {last}", font_weight="bold")
    top = 226
    bottom = top + timeline["buffers"] * (3 * LANE + GAP) - GAP + 6
    axis(drawing, scale, top, bottom)
    for buffer in range(timeline["buffers"]):
        draw_buffer(drawing, scale, frames, buffer, top + buffer * (3 * LANE + GAP))
    drawing.text(WIDTH - RIGHT, bottom + 34, "time since the start", fill=GREY, font_size=11,
                 text_anchor="end")
    return drawing.finish(WIDTH, bottom + 48)


def render(directory):
    timeline = json.loads((directory / "timeline.json").read_text())
    picture = timeline["picture"]
    pixels = (directory / picture["file"]).read_bytes()
    if len(pixels) != picture["width"] * picture["height"] * 4:
        raise ValueError(f"{picture['file']} has {len(pixels)} bytes, which is no picture of "
                         f"{picture['width']}x{picture['height']}")
    (directory / "frame.png").write_bytes(png(pixels, picture["width"], picture["height"]))
    (directory / "timeline.svg").write_text(svg(timeline))
    print(f"{directory}/frame.png: frame {picture['number']}")
    print(f"{directory}/timeline.svg: {len(timeline['frames'])} frames")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, help="where frame.raw and timeline.json are")
    directory = parser.parse_args().directory
    try:
        render(directory)
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"render.py: {directory} does not hold a run of dmabuf-demo: {error}")


if __name__ == "__main__":
    main()
