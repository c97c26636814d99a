// Where the user stands: the place, its line of source and a caret.
#include <fmt/format.h>

#include <fstream>

#include "intarsia/intarsia.h"

namespace intarsia {
namespace {

std::string source_line(const char* file, std::uint32_t line) {
  std::ifstream in(file);
  std::string text;
  for (std::uint32_t i = 0; i < line; ++i)
    if (!std::getline(in, text)) return "";
  return text;
}

}  // namespace

std::string Caller::place() const {
  return site_ ? site_->place() : fmt::format("{}:{}", at_.file_name(), at_.line());
}

std::string Caller::show() const {
  if (site_) return site_->show();
  std::string shown = fmt::format("{}:{}:{}\n", at_.file_name(), at_.line(), at_.column());
  const std::string text = source_line(at_.file_name(), at_.line());
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string::npos || at_.column() == 0 || at_.column() > text.size()) return shown;
  const std::size_t caret = at_.column() - 1 < begin ? 0 : at_.column() - 1 - begin;
  return shown + "    " + text.substr(begin) + "\n    " + std::string(caret, ' ') + "^\n";
}

}  // namespace intarsia
