// The table of broken and legal kernels here (kernels.txt), for the suite and for the program that launches
// them on a GPU.
#pragma once
#include <cstdint>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace intarsia::ptx::check_kernels {

struct Kernel {
  std::string name;  // "broken/load_past_end"
  std::uint32_t grid = 1, block = 1;
  std::int64_t shared = 0;
  bool set = true;     // whether q is written before the launch
  std::string report;  // kind of the report, '_' for ' '; empty: none. "launch": the launch is refused
  std::uint32_t at_block = 0, at_thread = 0;
};
constexpr std::int64_t kWords = 64;  // of p (0, 1, 2, …) and q (zeros where set)

inline std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::vector<Kernel> kernels(const std::string& folder) {
  std::vector<Kernel> out;
  std::istringstream lines(text_of(folder + "/kernels.txt"));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    Kernel k;
    std::string set, bar;
    std::istringstream words(line);
    words >> k.name >> k.grid >> k.block >> k.shared >> set;
    k.set = set == "set";
    if (words >> bar) words >> k.report >> k.at_block >> k.at_thread;
    out.push_back(std::move(k));
  }
  return out;
}

}  // namespace intarsia::ptx::check_kernels
