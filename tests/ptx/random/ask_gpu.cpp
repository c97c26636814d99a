// Random programs, and every operation alone, on a GPU and in the interpreter: they must agree to the bit.
//
//   ptx_random operations OUT.json            every operation over 1024 operands
//   ptx_random programs FIRST LAST OUT.json   the programs of seeds FIRST … LAST - 1
//   ptx_random reduce SEED OUT.json           the least of one program that differs, by level of optimisation
//   ptx_random part SEED LIMIT OUT.json       the first LIMIT statements of one program
//
// Ends with 0 where all agree, 1 where something differs, 3 where there is no GPU. An error of the GPU ends
// the run: "next" in the file says where to go on.
#include <fmt/format.h>

#include <chrono>
#include <cstring>
#include <fstream>

#include "../driver.h"
#include "interpret.h"
#include "reduce.h"
#include "sweep.h"

namespace intarsia::ptx::random {
namespace {

using gpu::Driver;

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out + "\"";
}

struct Finding {
  std::string name, what, statement, ptx;
  std::vector<std::string> levels;  // what differs where the assembler optimises that far, empty: nothing
  std::string registers;            // before the first statement, of the thread that differs
};

class Asker {
 public:
  std::vector<Finding> findings;
  std::uint64_t next = 0, done = 0;

  const std::string& device() const { return driver_.device_name(); }

  // What the GPU makes of a program; `function` is its entry.
  void launch(const Program& p, void* function, Memory& m) {
    std::vector<unsigned char>* const all[] = {&m.in, &m.out, &m.scratch, &m.cells, &m.shared_cells};
    Driver::Address places[5];
    void* arguments[5];
    for (std::size_t i = 0; i < 5; ++i) {
      places[i] = arena_ + i * kRoom;
      arguments[i] = &places[i];
      driver_.to_device(places[i], all[i]->data(), all[i]->size());
    }
    driver_.launch(function, p.grid.data(), p.block.data(), 0, arguments);
    driver_.synchronize();
    for (std::size_t i = 1; i < 5; ++i) driver_.to_host(all[i]->data(), places[i], all[i]->size());
  }

  // `keep` is told after each batch, as the next one may break the assembler.
  void programs(std::uint64_t first, std::uint64_t last, const std::function<void()>& keep) {
    constexpr std::uint64_t kTogether = 16;
    for (next = first; next < last; keep()) {
      const std::uint64_t end = std::min(last, next + kTogether);
      batch(next, end);
      next = end;
    }
  }

  // How far a program gets on the GPU; the statement it ends with is printed.
  void part(std::uint64_t seed, std::size_t limit) {
    const Program program = made(seed, limit);
    if (limit > 0)
      std::printf("%s", written(program.tail.empty() ? program.body.back() : program.tail.back()).c_str());
    std::fflush(stdout);
    const std::string why = compare(program, seed);
    if (!why.empty()) findings.push_back({program.name, why, "", text(program), {}, {}});
  }

  void reduce(std::uint64_t seed) {
    const Program whole = made(seed);
    if (compare(whole, seed).empty()) return;
    const Program least = reduced(whole, [&](const Program& p) { return !compare(p, seed).empty(); });
    Finding f{least.name, compare(least, seed), listing(least), text(least), {}, {}};
    for (std::size_t level = 0; level <= 4; ++level) f.levels.push_back(compare(least, seed, level));
    f.registers = before(least, inputs(least, seed));
    findings.push_back(std::move(f));
  }

  void operations_alone() {
    std::vector<Sweep> all = sweeps();
    constexpr std::size_t kTogether = 64;
    for (std::size_t i = 0; i < all.size(); i += kTogether)
      sweep(std::span(all).subspan(i, std::min(kTogether, all.size() - i)));
    done = all.size();
  }

 private:
  static constexpr std::size_t kRoom = 1 << 20;
  Driver driver_;
  Driver::Address arena_ = driver_.allocate(5 * kRoom);
  std::size_t thread_ = 0;  // of the last difference, counted over the grid

  static Program made(std::uint64_t seed, std::size_t limit = 1000) {
    Choices choices(seed);
    return generate(choices, fmt::format("k{}", seed), limit);
  }

  std::string compare(const Program& p, std::uint64_t seed, std::size_t level = 4) {
    void* module = driver_.load(header() + text(p), level);
    const std::string why = compare(p, seed, driver_.entry(module, p.name.c_str()));
    driver_.unload(module);
    return why;
  }

  // Empty where GPU and interpreter agree.
  std::string compare(const Program& p, std::uint64_t seed, void* function) {
    Memory here = inputs(p, seed), there = here, plain = here;
    std::string why;
    try {
      why = interpret(p, here);
    } catch (const std::exception& error) { why = error.what(); }
    launch(p, function, there);
    thread_ = differing_thread(here, there);
    if (why.empty()) why = difference(p, here, there);
    if (why.empty()) return why;
    evaluate(p, plain);
    return why + (difference(p, plain, there).empty() ? " (evaluated: as the GPU)"
                                                      : " (evaluated: not as the GPU)");
  }

  // The registers that the thread which differed last starts with.
  std::string before(const Program& p, const Memory& m) const {
    std::string out;
    for (std::size_t i = 0; i < kLongs + kWords + kHalves; ++i) {
      const bool d = i < kLongs, r = !d && i < kLongs + kWords;
      const std::size_t bytes = d ? 8 : r ? 4 : 2, k = d ? i : r ? i - kLongs : i - kLongs - kWords;
      U64 value = 0;
      std::memcpy(&value, &m.in[thread_ * kRecord + (d ? 0 : r ? 48 : 88) + bytes * k], bytes);
      out += fmt::format("{}{}={:#x} ", d ? 'd' : r ? 'r' : 'h', k, value);
    }
    return fmt::format("thread {} of {}: {}", thread_, p.threads() * p.blocks(), out);
  }

  void batch(std::uint64_t first, std::uint64_t last) {
    std::vector<Program> all;
    std::string module_text = header();
    for (std::uint64_t seed = first; seed < last; ++seed) {
      all.push_back(made(seed));
      module_text += text(all.back());
    }
    void* module = nullptr;
    try {
      module = driver_.load(module_text);
    } catch (const gpu::Failed& failed) {
      if (last - first == 1)
        findings.push_back({all[0].name, failed.what(), "", module_text, {}, {}});
      else
        for (std::uint64_t seed = first; seed < last; ++seed) batch(seed, seed + 1);
      return;
    }
    for (const Program& p : all) {
      next = first + static_cast<std::uint64_t>(&p - all.data());
      const std::string why = compare(p, next, driver_.entry(module, p.name.c_str()));
      ++done;
      if (!why.empty()) findings.push_back({p.name, why, "", text(p), {}, {}});
    }
    driver_.unload(module);
  }

  void sweep(std::span<Sweep> some) {
    std::string module_text = header();
    for (const Sweep& s : some) module_text += text(s);
    void* module = driver_.load(module_text);
    for (Sweep& s : some) {
      std::vector<U64> here = interpreted(s);
      const Driver::Address places[] = {arena_, arena_ + kRoom};
      void* arguments[] = {const_cast<Driver::Address*>(&places[0]),
                           const_cast<Driver::Address*>(&places[1])};
      driver_.to_device(places[0], s.in.data(), 8 * s.in.size());
      driver_.to_device(places[1], s.out.data(), 8 * s.out.size());
      const unsigned grid[] = {kSweepThreads / 128, 1, 1}, block[] = {128, 1, 1};
      driver_.launch(driver_.entry(module, s.name.c_str()), grid, block, 0, arguments);
      driver_.synchronize();
      driver_.to_host(s.out.data(), places[1], 8 * s.out.size());
      judge(s, here);
    }
    driver_.unload(module);
  }

  static std::vector<U64> interpreted(const Sweep& s) {
    const ptx::Program program(parse(header() + text(s), s.name), s.name);
    std::vector<U64> out(s.out.size());
    const std::uint64_t places[] = {reinterpret_cast<std::uint64_t>(s.in.data()),
                                    reinterpret_cast<std::uint64_t>(out.data())};
    const std::vector<ArgumentValue> arguments{{&places[0], 8}, {&places[1], 8}};
    LaunchConfig config;
    config.grid = {kSweepThreads / 128, 1, 1};
    config.block = {128, 1, 1};
    run(program, config, arguments);
    return out;
  }

  void judge(const Sweep& s, const std::vector<U64>& here) {
    int count = 0, nans = 0;  // of them only as NaNs whose payload PTX leaves open
    std::string first;
    for (std::size_t t = 0; t < here.size(); ++t) {
      if (here[t] == s.out[t]) continue;
      nans += canonical(s.operation->nan, here[t]) == canonical(s.operation->nan, s.out[t]);
      if (count++ == 0)
        first = fmt::format("{:#x}, {:#x}, {:#x}, {:#x}: interpreter {:#x}, GPU {:#x}", s.in[4 * t],
                            s.in[4 * t + 1], s.in[4 * t + 2], s.in[4 * t + 3], here[t], s.out[t]);
    }
    const std::string plain = difference(s);  // of the GPU from the rules
    if (count == 0 && plain.empty()) return;
    findings.push_back({s.operation->text,
                        fmt::format("{} differ, {} of them open NaNs; {}", count, nans, first),
                        plain,
                        "",
                        {},
                        {}});
  }
};

// All at once: what is read may be read at any time.
void write(const std::string& path, const Asker& asker, double seconds, const std::string& error) {
  std::ofstream out(path + ".new");
  out << fmt::format(
      "{{\"device\": {}, \"done\": {}, \"next\": {}, \"seconds\": {:.1f}, \"error\": {},\n \"findings\": [",
      quoted(asker.device()), asker.done, asker.next, seconds, quoted(error));
  for (std::size_t i = 0; i < asker.findings.size(); ++i) {
    const Finding& f = asker.findings[i];
    std::string levels;
    for (const std::string& level : f.levels) levels += (levels.empty() ? "" : ", ") + quoted(level);
    out << fmt::format(
        "{}\n  {{\"name\": {}, \"what\": {}, \"statement\": {}, \"levels\": [{}], \"registers\": {}, "
        "\"ptx\": {}}}",
        i == 0 ? "" : ",", quoted(f.name), quoted(f.what), quoted(f.statement), levels, quoted(f.registers),
        quoted(f.ptx));
  }
  out << "]}\n";
  out.close();
  std::rename((path + ".new").c_str(), path.c_str());
}

int run(int count, char** words) {
  const std::string what = count > 1 ? words[1] : "";
  const int words_wanted = what == "operations"                   ? 3
                           : what == "reduce"                     ? 4
                           : what == "programs" || what == "part" ? 5
                                                                  : 0;
  if (count != words_wanted) {
    std::fprintf(
        stderr,
        "usage: ptx_random operations OUT.json | programs FIRST LAST OUT.json | reduce SEED OUT.json | "
        "part SEED LIMIT OUT.json\n");
    return 2;
  }
  const auto start = std::chrono::steady_clock::now();
  Asker asker;
  std::string error;
  const auto keep = [&] {
    write(words[count - 1], asker,
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), error);
  };
  try {
    if (what == "programs")
      asker.programs(std::stoull(words[2]), std::stoull(words[3]), keep);
    else if (what == "reduce")
      asker.reduce(std::stoull(words[2]));
    else if (what == "part")
      asker.part(std::stoull(words[2]), std::stoull(words[3]));
    else
      asker.operations_alone();
  } catch (const gpu::Failed& failed) { error = failed.what(); }
  keep();
  return error.empty() && asker.findings.empty() ? 0 : 1;
}

}  // namespace
}  // namespace intarsia::ptx::random

int main(int count, char** words) {
  try {
    return intarsia::ptx::random::run(count, words);
  } catch (const intarsia::ptx::gpu::Failed& failed) {
    std::fprintf(stderr, "ptx_random: %s\n", failed.what());
    return 3;
  }
}
