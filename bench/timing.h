// How every C++ benchmark here measures, as timing.py does: candidates take turns on one core, medians are
// compared.
#pragma once
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace intarsia::bench {

inline void one_core() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof allowed, &allowed);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    CPU_ZERO(&allowed);
    CPU_SET(cpu, &allowed);
    sched_setaffinity(0, sizeof allowed, &allowed);
    return;
  }
}

// Keeps the optimiser from dropping what computes `value`.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

using Candidate = std::pair<std::string, std::function<void()>>;

// Seconds a call, each measured over `calls` calls.
inline std::map<std::string, double> interleaved(const std::vector<Candidate>& candidates, int rounds,
                                                 int calls = 1) {
  using Clock = std::chrono::steady_clock;
  std::map<std::string, std::vector<double>> times;
  for (const auto& [name, run] : candidates)
    for (int i = 0; i < 2; ++i) run();
  for (int round = 0; round < rounds; ++round)
    for (const auto& [name, run] : candidates) {
      const auto start = Clock::now();
      for (int i = 0; i < calls; ++i) run();
      times[name].push_back(std::chrono::duration<double>(Clock::now() - start).count() / calls);
    }
  std::map<std::string, double> out;
  for (auto& [name, seconds] : times) {
    std::nth_element(seconds.begin(), seconds.begin() + rounds / 2, seconds.end());
    out[name] = seconds[static_cast<std::size_t>(rounds) / 2];
  }
  return out;
}

// One line of the page: what was measured, the times of all, and ratios.
struct Row {
  std::string work;
  std::string unit;  // "us" or "ms"
  std::map<std::string, double> seconds;
  std::map<std::string, double> ratios;

  std::string json() const {
    const double scale = unit == "us" ? 1e6 : 1e3;
    std::vector<std::string> times, rest;
    for (const auto& [name, value] : seconds)
      times.push_back(fmt::format(R"("{}": {:.6g})", name, value * scale));
    for (const auto& [name, value] : ratios) rest.push_back(fmt::format(R"(, "{}": {:.6g})", name, value));
    return fmt::format(R"({{"work": "{}", "{}": {{{}}}{}}})", work, unit, fmt::join(times, ", "),
                       fmt::join(rest, ""));
  }
};

inline void print(const std::vector<Row>& rows) {
  std::vector<std::string> lines;
  for (const Row& row : rows) lines.push_back(row.json());
  fmt::print("[{}]\n", fmt::join(lines, ", "));
}

}  // namespace intarsia::bench
