// A launch: its checks, its blocks over the host's threads, what they found.
#include "ptx/launch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cfenv>
#include <map>

#include "base/error.h"
#include "ptx/lanes.h"
#include "ptx/select.h"
#include "ptx/shadow.h"

namespace intarsia::ptx {
namespace {

constexpr std::int64_t kTurn = 1 << 22;  // steps of a block before others that may free it are begun
constexpr std::int64_t kMostTasks = 256;
constexpr std::size_t kMostInFlight = 64;  // blocks one thread keeps unfinished

std::string triple(const std::array<std::uint32_t, 3>& v) {
  return fmt::format("({}, {}, {})", v[0], v[1], v[2]);
}

void check_block(const Image& image, const LaunchConfig& c) {
  const Entry& entry = *image.entry;
  const auto threads = std::uint64_t{c.block[0]} * c.block[1] * c.block[2];
  if (threads == 0)
    throw UserError(fmt::format("kernel {}: a block of {} has no threads", entry.name, triple(c.block)));
  if (threads > static_cast<std::uint64_t>(c.device.threads_per_block))
    throw UserError(fmt::format("kernel {}: a block of {} has {} threads; sm_{} runs at most {}", entry.name,
                                triple(c.block), threads, c.device.architecture, c.device.threads_per_block));
  constexpr std::array<U32, 3> kMostThreads = {1024, 1024, 64};
  constexpr std::array<U32, 3> kMostBlocks = {0x7FFFFFFF, 65535, 65535};
  for (std::size_t i = 0; i < 3; ++i) {
    if (c.block[i] > kMostThreads[i])
      throw UserError(fmt::format("kernel {}: a block of {}; its extents are at most {}", entry.name,
                                  triple(c.block), triple(kMostThreads)));
    if (c.grid[i] > kMostBlocks[i])
      throw UserError(fmt::format("kernel {}: a grid of {}; its extents are at most {}", entry.name,
                                  triple(c.grid), triple(kMostBlocks)));
  }
  const auto want = [](const std::array<std::int32_t, 3>& v) {
    return std::array<std::uint32_t, 3>{static_cast<U32>(v[0]), static_cast<U32>(v[1]),
                                        static_cast<U32>(v[2])};
  };
  if (entry.reqntid && want(*entry.reqntid) != c.block)
    throw UserError(fmt::format("kernel {}: launched with blocks of {}; its .reqntid is {}", entry.name,
                                triple(c.block), triple(want(*entry.reqntid))));
  if (entry.maxntid) {
    const auto most = want(*entry.maxntid);
    const std::uint64_t limit = std::uint64_t{most[0]} * most[1] * most[2];
    if (threads > limit)
      throw UserError(fmt::format("kernel {}: launched with {} threads per block; its .maxntid allows {}",
                                  entry.name, threads, limit));
  }
}

void check_device(const Image& image, const LaunchConfig& c) {
  const std::int64_t shared = image.static_shared + c.shared_bytes;
  if (c.shared_bytes < 0 || shared > c.device.shared_bytes)
    throw UserError(
        fmt::format("kernel {}: {} bytes of shared memory ({} static, {} dynamic); a block of sm_{} has {}",
                    image.entry->name, shared, image.static_shared, c.shared_bytes, c.device.architecture,
                    c.device.shared_bytes));
  const Module& m = image.module;
  if (c.device.reject_newer_version &&
      std::pair(m.version_major, m.version_minor) > std::pair(c.device.version_major, c.device.version_minor))
    throw UserError(fmt::format("kernel {}: PTX version {}.{}; the device reads up to {}.{}",
                                image.entry->name, m.version_major, m.version_minor, c.device.version_major,
                                c.device.version_minor));
}

void check_cluster(const Image& image, const LaunchConfig& c) {
  if (image.entry->cluster) {
    const auto& want = *image.entry->cluster;
    for (std::size_t i = 0; i < 3; ++i)
      if (static_cast<U32>(want[i]) != c.cluster[i])
        throw UserError(
            fmt::format("kernel {}: launched with clusters of {}; its .reqnctapercluster is ({}, {}, {})",
                        image.entry->name, triple(c.cluster), want[0], want[1], want[2]));
  }
  const U32 blocks = c.cluster[0] * c.cluster[1] * c.cluster[2];
  if (blocks > 1 && c.device.architecture < 90)
    throw UserError(fmt::format("kernel {}: launched with clusters of {}; sm_{} has none", image.entry->name,
                                triple(c.cluster), c.device.architecture));
  if (blocks == 0 || blocks > 16)
    throw UserError(
        fmt::format("kernel {}: a cluster of {} blocks; 1 to 16 are possible", image.entry->name, blocks));
  for (std::size_t i = 0; i < 3; ++i)
    if (c.grid[i] % c.cluster[i] != 0)
      throw UserError(fmt::format("kernel {}: a grid of {} is not made of clusters of {}", image.entry->name,
                                  triple(c.grid), triple(c.cluster)));
}

std::string shown(const Image& image) {
  std::string out;
  for (const Parameter& p : image.parameters)
    out += fmt::format("{}{} ({} bytes)", out.empty() ? "" : ", ", p.name, p.bytes);
  return out.empty() ? "none" : out;
}

std::vector<std::byte> pack_arguments(const Image& image, std::span<const ArgumentValue> arguments) {
  if (arguments.size() != image.parameters.size())
    throw UserError(fmt::format("kernel {} takes {} parameters, {} are given; its list: {}",
                                image.entry->name, image.parameters.size(), arguments.size(), shown(image)));
  std::vector<std::byte> out(static_cast<std::size_t>(parameter_bytes(*image.entry)));
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const Parameter& p = image.parameters[i];
    if (arguments[i].bytes != p.bytes)
      throw UserError(fmt::format("kernel {}: parameter {} ('{}') has {} bytes, {} are given",
                                  image.entry->name, i, p.name, p.bytes, arguments[i].bytes));
    if (p.bytes > 0) std::memcpy(out.data() + p.offset, arguments[i].data, static_cast<std::size_t>(p.bytes));
  }
  return out;
}

// Buffers and module variables, sorted; those that overlap become one.
std::vector<Range> ranges_of(const Image& image, const LaunchConfig& config) {
  std::vector<Range> all;
  static const std::string kUnnamed = "a buffer";
  if (config.buffers)
    for (const Buffer& b : *config.buffers)
      if (b.bytes > 0) {
        const auto begin = reinterpret_cast<U64>(b.data);
        all.push_back({begin, begin + static_cast<U64>(b.bytes), b.writable, b.initialised,
                       b.name.empty() ? &kUnnamed : &b.name});
      }
  for (const Storage& s : image.storage)
    if (s.bytes > 0)
      all.push_back({reinterpret_cast<U64>(s.data), reinterpret_cast<U64>(s.data) + static_cast<U64>(s.bytes),
                     !s.constant, true, &s.name});
  std::sort(all.begin(), all.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
  std::vector<Range> out;
  for (const Range& r : all) {
    if (!out.empty() && r.begin < out.back().end) {
      out.back().end = std::max(out.back().end, r.end);
      out.back().writable |= r.writable;
      out.back().initialised |= r.initialised;
    } else {
      out.push_back(r);
    }
  }
  return out;
}

void add_grid_barrier(Launch& launch) {
  static const std::string kName = "the grid's barrier";
  const auto begin = reinterpret_cast<U64>(launch.grid_barrier.data());
  const auto after = std::upper_bound(launch.ranges.begin(), launch.ranges.end(), begin,
                                      [](U64 address, const Range& r) { return address < r.begin; });
  launch.ranges.insert(after, {begin, begin + sizeof launch.grid_barrier, true, true, &kName});
}

// Shadows of the ranges that need one.
void cast_shadows(Launch& launch) {
  const Checks& checks = launch.config->checks;
  if (checks.races || checks.global_races) launch.shadow = std::make_unique<GlobalShadow>();
  for (Range& r : launch.ranges) {
    const bool races = checks.global_races && r.writable,
               unwritten = checks.global_uninitialised && !r.initialised;
    if (!races && !unwritten) continue;
    if (launch.shadow == nullptr) launch.shadow = std::make_unique<GlobalShadow>();
    Shadow& shadow = launch.shadow->shadows.emplace_back();
    shadow.shift = launch.config->checks.alignment
                       ? static_cast<U32>(std::countr_zero(launch.image->global_granule))
                       : 0;
    shadow.initialised = !unwritten;
    shadow.races = races;
    shadow.base = r.begin;
    shadow.allocate(r.end - r.begin);
    r.shadow = &shadow;
  }
  if (launch.shadow != nullptr) launch.shadow->segments.reserve(kMostStamps);
}

void start_shared(Block& block) {
  const Launch& launch = *block.launch;
  const Checks& c = block.checks;
  block.shared.assign(static_cast<std::size_t>(launch.shared_bytes), std::byte{0});
  Shadow& s = block.shadow;
  s.shift = c.alignment ? static_cast<U32>(std::countr_zero(launch.image->shared_granule)) : 0;
  s.initialised = !c.uninitialised;
  s.races = c.races;
  if ((c.uninitialised || c.races || c.copies) && launch.shared_bytes > 0) {
    s.allocate(static_cast<U64>(launch.shared_bytes));
    s.clear();
  }
  block.shadowed = s.cells() != 0 || launch.shadow != nullptr;
}

// What does not change from block to block.
void number_threads(Warp& warp, const Launch& launch) {
  const auto& extents = launch.config->block;
  for (int l = 0; l < kLanes; ++l) {
    const U32 t = static_cast<U32>(warp.index) * kLanes + static_cast<U32>(l);
    const auto lane = static_cast<std::size_t>(l);
    if (t < static_cast<U32>(launch.threads)) warp.threads |= U32{1} << l;
    warp.tid[0][lane] = t % extents[0];
    warp.tid[1][lane] = t / extents[0] % extents[1];
    warp.tid[2][lane] = t / extents[0] / extents[1];
  }
}

void start_block(Block& block, std::int64_t linear) {
  const Launch& launch = *block.launch;
  const LaunchConfig& c = *launch.config;
  block.linear = linear;
  block.id = {static_cast<U32>(linear % c.grid[0]), static_cast<U32>(linear / c.grid[0] % c.grid[1]),
              static_cast<U32>(linear / c.grid[0] / c.grid[1])};
  block.steps = 0;
  block.bulk.clear();
  block.async_fenced.clear();
  if (!block.barrier_clocks.empty()) block.barrier_clocks.clear();
  block.checks = c.checks;
  if (block.shadowed) block.order = BlockOrder{};
  start_shared(block);
  for (Barrier& b : block.barriers) b.reset();
  const std::size_t warps = (static_cast<std::size_t>(launch.threads) + kLanes - 1) / kLanes;
  while (block.warps.size() < warps) {
    Warp& warp = *block.warps.emplace_back(std::make_unique<Warp>());
    warp.block = &block;
    warp.index = static_cast<std::int32_t>(block.warps.size()) - 1;
    warp.base[1] = const_cast<std::byte*>(launch.constants);
    number_threads(warp, launch);
  }
  for (const auto& warp : block.warps) {
    warp->live = warp->threads;
    warp->traced = c.trace && c.trace->block == block.id && c.trace->warp == warp->index;
    warp->chained = c.chains && !warp->traced;
    warp->quantum = 0;
    warp->seen.assign(warps, 1);
    start_warp(*warp);
  }
}

// Runs clusters (a block alone is one) that no other thread has taken. One after another; only where one does
// not end, others are begun beside it.
class BlockRunner {
 public:
  BlockRunner(const Launch& launch, Worker& worker) : launch_(launch), worker_(worker) {}

  void run() {
    while (!launch_.stop && (begin_one() || !live_.empty())) {
      bool moved = false;
      for (std::size_t i = 0; i < live_.size() && !launch_.stop;) {
        const Turn turn = run_block(*live_[i], kTurn);
        if (worker_.stop) launch_.stop = true;
        moved |= turn != Turn::kIdle;
        if (turn == Turn::kEnded)
          retire(i);
        else
          ++i;
      }
      for (const auto& block : live_) moved |= block->progress;  // by what another block of the cluster did
      if (!moved && (live_.size() >= kMostInFlight || !take())) return give_up();
    }
    for (auto& block : live_) worker_.steps += block->steps;
  }

 private:
  // Whether there is a cluster to begin.
  bool take() {
    if (next_ < end_) return true;
    if (launch_.next.load(std::memory_order_relaxed) >= launch_.clusters) return false;
    next_ = launch_.next.fetch_add(launch_.chunk, std::memory_order_relaxed);
    end_ = std::min(next_ + launch_.chunk, launch_.clusters);
    return next_ < end_;
  }

  void retire(std::size_t i) {
    worker_.steps += live_[i]->steps;
    done_.push_back(std::move(live_[i]));
    live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(i));
    if (!live_.empty()) return;  // blocks of a cluster keep their memory until all have ended
    for (auto& block : done_) {
      if (block->cluster->blocks.size() > 1) block->cluster.reset();
      worker_.blocks.push_back(std::move(block));
    }
    done_.clear();
  }

  void give_up() {
    report_deadlock(*live_.front());
    for (auto& block : live_) worker_.steps += block->steps;
    live_.clear();
    worker_.stop = launch_.stop = true;
  }

  bool begin_one() {
    if (live_.size() >= kMostInFlight || !take()) return false;
    const auto& c = launch_.config->cluster;
    const auto& g = launch_.config->grid;
    const std::int64_t nx = g[0] / c[0], ny = g[1] / c[1], x = next_ % nx * c[0], y = next_ / nx % ny * c[1],
                       z = next_ / nx / ny * c[2];
    ++next_;
    const std::uint32_t size = c[0] * c[1] * c[2];
    std::shared_ptr<Cluster> cluster;
    for (std::uint32_t rank = 0; rank < size; ++rank) {
      Block& block = take_block();
      if (rank == 0) cluster = block.cluster != nullptr ? block.cluster : std::make_shared<Cluster>();
      if (rank == 0) cluster->reset();
      block.rank = rank;
      block.cluster = cluster;
      cluster->blocks.push_back(&block);
      start_block(block, x + rank % c[0] + (y + rank / c[0] % c[1]) * g[0] +
                             (z + rank / c[0] / c[1]) * g[0] * std::int64_t{g[1]});
    }
    return true;
  }

  Block& take_block() {
    if (worker_.blocks.empty()) worker_.blocks.push_back(std::make_unique<Block>());
    live_.push_back(std::move(worker_.blocks.back()));
    worker_.blocks.pop_back();
    live_.back()->launch = &launch_;
    live_.back()->worker = &worker_;
    return *live_.back();
  }

  const Launch& launch_;
  Worker& worker_;
  std::int64_t next_ = 0, end_ = 0;
  std::vector<std::unique_ptr<Block>> live_, done_;
};

Report report_of(const Image& image, const Finding& f) {
  Report out;
  out.kind = f.kind;
  out.kernel = image.entry->name;
  out.block = f.block_id;
  out.thread = f.thread;
  out.what = f.what;
  out.count = f.count;
  const auto step = static_cast<std::size_t>(f.step - f.code->steps.data());
  if (f.code->function->body.empty()) return out;
  const Place& place = f.code->function->body[static_cast<std::size_t>(f.code->instruction[step])].place;
  out.line = place.line;
  out.instruction = image.module.line_text(place.line);
  out.source = image.module.source_place(place.loc);
  return out;
}

using Workers = std::vector<std::unique_ptr<Worker>>;

void gather_reports(const Image& image, const Workers& workers, LaunchResult& result) {
  std::vector<Finding> all;
  for (const auto& w : workers)
    for (Finding& f : w->findings) {
      const auto same = std::find_if(all.begin(), all.end(),
                                     [&](const Finding& g) { return g.kind == f.kind && g.step == f.step; });
      if (same == all.end()) {
        all.push_back(std::move(f));
      } else {
        const std::int64_t count = same->count + f.count;
        if (f.block < same->block) *same = std::move(f);
        same->count = count;
      }
    }
  for (const Finding& f : all) result.reports.push_back(report_of(image, f));
  std::sort(result.reports.begin(), result.reports.end(), [](const Report& a, const Report& b) {
    return std::pair(a.line, a.kind) < std::pair(b.line, b.kind);
  });
}

void gather_rest(const Image& image, const LaunchConfig& config, const Workers& workers,
                 LaunchResult& result) {
  std::vector<bool> executed(image.inexact_names.size());
  std::map<std::int64_t, std::string> printed;  // by block
  for (const auto& w : workers) {
    result.steps += w->steps;
    std::move(w->trace.begin(), w->trace.end(), std::back_inserter(result.trace));
    for (std::size_t i = 0; i < executed.size(); ++i) executed[i] = executed[i] || w->inexact[i] != 0;
    for (auto& [block, text] : w->printed) printed[block] += text;
  }
  for (std::size_t i = 0; i < executed.size(); ++i) {
    const std::string& name = image.inexact_names[i];
    const bool told = name.starts_with("mul+")     ? config.contraction
                      : sums_in_tensor_cores(name) ? !config.exact_tensor_cores
                                                   : true;
    if (executed[i] && told) result.inexact.push_back(name);
  }
  for (const auto& [block, text] : printed) result.printed += text;
}

}  // namespace

LaunchResult run(const Program& program, const LaunchConfig& config,
                 std::span<const ArgumentValue> arguments) {
  const Image& image = program.image();
  LaunchResult result;
  Launch launch;
  launch.image = &image;
  launch.config = &config;
  launch.params = pack_arguments(image, arguments);
  const std::int64_t blocks = std::int64_t{config.grid[0]} * config.grid[1] * config.grid[2];
  if (blocks == 0) return result;
  check_block(image, config);
  check_device(image, config);
  check_cluster(image, config);
  launch.ranges = ranges_of(image, config);
  add_grid_barrier(launch);
  cast_shadows(launch);
  launch.constants = image.aligned_constants;
  launch.shared_bytes = image.static_shared + config.shared_bytes;
  launch.threads = static_cast<std::int32_t>(config.block[0] * config.block[1] * config.block[2]);
  launch.clusters = blocks / (config.cluster[0] * config.cluster[1] * config.cluster[2]);
  launch.chunk = std::clamp<std::int64_t>(launch.clusters / 64, 1, 16);
  const std::int64_t tasks = config.parallel_for ? std::min<std::int64_t>(launch.clusters, kMostTasks) : 1;
  Workers workers(static_cast<std::size_t>(tasks));
  const auto body = [&](std::int64_t task) {
    if (launch.next >= launch.clusters) return;  // others were faster
    std::fenv_t before;
    std::fegetenv(&before);
    std::fesetenv(FE_DFL_ENV);  // a process that flushes denormals must not change the results
    auto& worker = workers[static_cast<std::size_t>(task)];
    worker = std::make_unique<Worker>();
    worker->inexact.assign(image.inexact_names.size(), 0);
    BlockRunner(launch, *worker).run();
    worker->blocks.clear();  // by the thread that made them
    std::fesetenv(&before);
  };
  if (config.parallel_for)
    config.parallel_for(tasks, body);
  else
    body(0);
  std::erase(workers, nullptr);
  gather_reports(image, workers, result);
  gather_rest(image, config, workers, result);
  return result;
}

}  // namespace intarsia::ptx
