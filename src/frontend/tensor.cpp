// Tensors: data in, data out, evaluation.
#include <fmt/format.h>

#include <ostream>

#include "base/convert.h"
#include "frontend/apply.h"
#include "frontend/executable.h"
#include "frontend/print.h"
#include "frontend/session.h"
#include "runtime/cpu_device.h"

namespace intarsia {

using frontend::Record;
using frontend::Session;

namespace {
// On the host, evaluated.
runtime::DeviceTensor on_host(const Tensor& tensor, const Caller& caller) {
  return frontend::move_to(runtime::cpu_device(), tensor.data(caller));
}
const Tensor& not_empty(const Tensor& tensor, const Caller& caller) {
  if (tensor.is_empty())
    frontend::throw_at(caller, "an empty Tensor was used: it was declared, but nothing was assigned to it");
  return tensor;
}
}  // namespace

Tensor Tensor::from_device(runtime::DeviceTensor data, Caller caller) {
  auto record = frontend::make_record(Record::Kind::kData, 1, caller);
  record->first.type.dtype = data.dtype;
  for (const std::int64_t extent : data.extents) record->first.type.shape.push_back(extent);
  record->first.value = std::move(data);
  record->first.ready = true;
  return Tensor(std::move(record));
}

Tensor Tensor::from_host(DType dtype, std::span<const std::int64_t> shape, const void* data, Caller caller) {
  try {
    if (!is_known(dtype)) throw UserError("from_host: the dtype is unknown");
    for (const std::int64_t extent : shape)
      if (extent < 0) throw UserError(fmt::format("from_host: an extent is {}", extent));
    auto copy = runtime::DeviceTensor::make(runtime::cpu_device(), dtype, runtime::Extents(shape));
    runtime::cpu_device().copy(copy.data, data, static_cast<std::size_t>(copy.bytes()), nullptr);
    return from_device(std::move(copy), std::move(caller));
  } catch (const UserError& error) { frontend::throw_at(caller, error.what()); }
}

DType Tensor::dtype() const { return not_empty(*this, {}).record_->output(port_).type.dtype; }
const Shape& Tensor::shape() const { return not_empty(*this, {}).record_->output(port_).type.shape; }

std::vector<std::int64_t> Tensor::extents(Caller caller) const {
  std::vector<std::int64_t> out;
  for (const Dim& extent : not_empty(*this, caller).shape()) {
    if (!extent.is_constant())
      frontend::throw_at(
          caller, fmt::format("the shape {} is not known while a function is compiled", shape().str()));
    out.push_back(extent.constant());
  }
  return out;
}

std::int64_t Tensor::numel(Caller caller) const {
  return runtime::Extents(extents(std::move(caller))).numel();
}

bool Tensor::is_evaluated() const {
  return record_ && record_->output(port_).ready.load(std::memory_order_acquire);
}

const Tensor& Tensor::eval(Caller caller) const {
  if (!is_evaluated()) intarsia::eval(std::span(&not_empty(*this, caller), 1), caller);
  return *this;
}

void eval(std::span<const Tensor> tensors, Caller caller) {
  bool done = true;
  for (const Tensor& tensor : tensors) done = not_empty(tensor, caller).is_evaluated() && done;
  if (done) return;
  try {
    Session::current().evaluate(tensors);
  } catch (const Unsupported& error) {
    throw Unsupported(caller.show() + error.what());
  } catch (const UserError& error) { frontend::throw_at(caller, error.what()); }
}

runtime::DeviceTensor Tensor::data(Caller caller) const {
  eval(std::move(caller));
  return Session::current().value(*record_, port_);
}

Device Tensor::device() const { return Device(data().storage->device()); }

Tensor Tensor::to(Device device, Caller caller) const {
  const runtime::DeviceTensor here = data(caller);
  if (&here.storage->device() == &device.get()) return *this;
  return from_device(frontend::move_to(device.get(), here), std::move(caller));
}

Tensor Tensor::interpret(Caller caller) const {
  if (not_empty(*this, caller).record_->kind == Record::Kind::kNode && is_evaluated())
    frontend::throw_at(
        caller, "this tensor was evaluated and no longer knows what it was made of: interpret it first");
  try {
    return from_device(std::move(Session::current().interpret(std::span(&not_empty(*this, caller), 1))[0]),
                       caller);
  } catch (const UserError& error) { frontend::throw_at(caller, error.what()); }
}

std::vector<double> Tensor::doubles(Caller caller) const {
  const runtime::DeviceTensor host = on_host(*this, caller);
  std::vector<double> out(static_cast<std::size_t>(host.extents.numel()));
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = float_from_bits(
        DType::kF64,
        cast_bits(host.dtype, load_bits(host.dtype, host.data, static_cast<std::int64_t>(i)), DType::kF64));
  return out;
}

std::vector<std::int64_t> Tensor::integers(Caller caller) const {
  const runtime::DeviceTensor host = on_host(*this, caller);
  std::vector<std::int64_t> out(static_cast<std::size_t>(host.extents.numel()));
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = int_from_bits(
        DType::kI64,
        cast_bits(host.dtype, load_bits(host.dtype, host.data, static_cast<std::int64_t>(i)), DType::kI64));
  return out;
}

double Tensor::item(Caller caller) const {
  if (numel(caller) != 1)
    frontend::throw_at(caller, fmt::format("a tensor of shape {} has {} elements; wanted is one",
                                           shape().str(), numel(caller)));
  return doubles(std::move(caller))[0];
}

Tensor::operator bool() const {
  const Caller caller = record_ ? record_->caller : Caller();
  if (numel(caller) != 1)
    frontend::throw_at(caller,
                       fmt::format("a tensor of shape {} is neither true nor false: it has {} elements",
                                   shape().str(), numel(caller)));
  const runtime::DeviceTensor host = on_host(*this, caller);
  return cast_bits(host.dtype, load_bits(host.dtype, host.data, 0), DType::kBool) != 0;
}

std::string Tensor::str(Caller caller) const {
  const std::string device = data(caller).storage->device().name();
  return frontend::print_tensor(on_host(*this, caller), device);
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) {
  return out << tensor.str(tensor.is_empty() ? Caller() : tensor.record()->caller);
}

}  // namespace intarsia
