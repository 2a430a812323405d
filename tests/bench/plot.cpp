// SPDX-License-Identifier: GPL-2.0-only
#include "bench/plot.h"

#include <algorithm>
#include <sstream>

namespace vtepd::bench {

namespace {

// In pixels.
constexpr int kWidth = 720;
constexpr int kLabels = 190;
constexpr int kFigures = 90;
constexpr int kTop = 44;
constexpr int kRow = 26;
constexpr int kBar = 16;

constexpr const char* kOursColour = "#2a7f62";
constexpr const char* kOthersColour = "#8a94a6";
constexpr const char* kInk = "#1f2430";

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

void draw_text(std::ostream& out, int x, int y, const std::string& anchor,
               const std::string& text) {
  out << "<text x=\"" << x << "\" y=\"" << y << "\" text-anchor=\"" << anchor << "\">"
      << escaped(text) << "</text>\n";
}

void draw_bar(std::ostream& out, const Bar& bar, int y, double scale) {
  const auto at = [&](double value) { return kLabels + static_cast<int>(value * scale); };
  const int middle = y + kBar / 2;
  draw_text(out, kLabels - 8, y + 13, "end", bar.label);
  out << "<rect x=\"" << kLabels << "\" y=\"" << y << "\" width=\""
      << at(bar.summary.median) - kLabels << "\" height=\"" << kBar << "\" fill=\""
      << (bar.ours ? kOursColour : kOthersColour) << "\"/>\n";
  out << "<path d=\"M" << at(bar.summary.min) << " " << middle << "H" << at(bar.summary.max)
      << "\" stroke=\"" << kInk << "\"/>\n";
  for (const double end : {bar.summary.min, bar.summary.max}) {
    out << "<path d=\"M" << at(end) << " " << middle - 4 << "v8\" stroke=\"" << kInk << "\"/>\n";
  }
  draw_text(out, kWidth - 8, y + 13, "end", figure(bar.summary.median));
}

}  // namespace

std::string plot(const std::string& title, const std::string& unit, const std::vector<Bar>& bars) {
  double most = 0;
  for (const Bar& bar : bars) {
    most = std::max({most, bar.summary.max, bar.summary.median});
  }
  const double scale = most > 0 ? (kWidth - kLabels - kFigures) / most : 0;
  const int height = kTop + kRow * static_cast<int>(bars.size()) + 8;
  std::ostringstream out;
  out << "<!-- SPDX-License-Identifier: GPL-2.0-only -->\n"
      << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << kWidth << " " << height
      << "\" width=\"" << kWidth << "\" height=\"" << height
      << "\" font-family=\"sans-serif\" font-size=\"13\" fill=\"" << kInk << "\">\n"
      << "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
  out << "<g font-weight=\"bold\">\n";
  draw_text(out, 12, 24, "start", title);
  out << "</g>\n";
  draw_text(out, kWidth - 8, 24, "end", unit);
  int y = kTop;
  for (const Bar& bar : bars) {
    draw_bar(out, bar, y, scale);
    y += kRow;
  }
  out << "</svg>\n";
  return out.str();
}

}  // namespace vtepd::bench
