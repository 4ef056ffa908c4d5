// The op `decode_jpeg`: a window of a JPEG, at a scale of its DCT, by libjpeg-turbo.
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>
#include <torch/headeronly/util/Exception.h>

#include <cstdio>  // before jpeglib.h, which needs it

#include <jpeglib.h>

#include <algorithm>
#include <csetjmp>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "host/arguments.h"

namespace gpuaug {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;

// Columns that are decoded beyond both sides of the window: libjpeg upsamples colors as if the decoded columns were the
// whole image. (For rows, jpeg_skip_scanlines keeps the context.)
constexpr int64_t kMargin = 2;
constexpr int64_t kChannels = 3;
constexpr int kSmoothed = 10;  // the coefficients that libjpeg checks

struct Errors {
  jpeg_error_mgr base;  // first: libjpeg knows only the address of this member
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void leave(j_common_ptr info) {
  auto* errors = reinterpret_cast<Errors*>(info->err);
  errors->base.format_message(info, errors->message);
  std::longjmp(errors->jump, 1);
}

// Warnings are about damaged data, for which libjpeg invents pixels.
void leave_at_warning(j_common_ptr info, int level) {
  if (level < 0) leave(info);
}

// A window of the image at 1/scale, in pixels of that image.
struct Window {
  int64_t left, top, width, height, scale;
};

// Reads the rows of the window. Decoded columns begin at x, those of the window `skipped` bytes later.
void read_rows(jpeg_decompress_struct& info, const Window& window, uint8_t* out, std::vector<uint8_t>& row) {
  const int64_t whole = info.output_width;
  int64_t skipped = 0;
  if (window.width < whole) {
    const int64_t from = window.left > kMargin ? window.left - kMargin : 0;
    const int64_t to = std::min(window.left + window.width + kMargin, whole);
    auto x = static_cast<JDIMENSION>(from), columns = static_cast<JDIMENSION>(to - from);
    jpeg_crop_scanline(&info, &x, &columns);  // moves x to the left, to a whole block
    skipped = (window.left - static_cast<int64_t>(x)) * kChannels;
  }
  if (window.top > 0) jpeg_skip_scanlines(&info, static_cast<JDIMENSION>(window.top));
  const int64_t line = window.width * kChannels;
  const bool straight = skipped == 0 && static_cast<int64_t>(info.output_width) == window.width;
  row.resize(static_cast<size_t>(info.output_width * kChannels));
  for (int64_t y = 0; y < window.height; ++y) {
    uint8_t* to = out + y * line;
    JSAMPROW rows[] = {straight ? to : row.data()};
    jpeg_read_scanlines(&info, rows, 1);
    if (!straight) std::memcpy(to, row.data() + skipped, static_cast<size_t>(line));
  }
}

// Whether scans of a progressive file are missing. libjpeg then smooths blocks by their neighbours, including those
// outside a window.
bool is_smoothed(const jpeg_decompress_struct& info) {
  if (info.coef_bits == nullptr) return false;
  for (int component = 0; component < info.num_components; ++component)
    for (int coefficient = 0; coefficient < kSmoothed; ++coefficient)
      if (info.coef_bits[component][coefficient] != 0) return true;
  return false;
}

// Returns an error message, or "". No C++ object that owns memory is made here or in the called functions, as a longjmp
// would leak it; `row` belongs to the caller.
const char* decode(Errors& errors, const uint8_t* data, int64_t bytes, const Window& window, uint8_t* out,
                   std::vector<uint8_t>& row) {
  jpeg_decompress_struct info;
  info.err = jpeg_std_error(&errors.base);
  errors.base.error_exit = leave;
  errors.base.emit_message = leave_at_warning;
  if (setjmp(errors.jump)) {
    jpeg_destroy_decompress(&info);
    return errors.message;
  }
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, data, static_cast<unsigned long>(bytes));
  jpeg_read_header(&info, TRUE);
  info.out_color_space = JCS_RGB;
  info.dct_method = JDCT_ISLOW;
  info.scale_num = 1;
  info.scale_denom = static_cast<unsigned>(window.scale);
  jpeg_start_decompress(&info);
  const bool inside = window.left + window.width <= static_cast<int64_t>(info.output_width) &&
                      window.top + window.height <= static_cast<int64_t>(info.output_height);
  const char* error = !inside             ? "the window reaches beyond the image"
                      : is_smoothed(info) ? "scans of a progressive image are missing"
                                          : "";
  if (*error == '\0') read_rows(info, window, out, row);
  jpeg_destroy_decompress(&info);  // without reading the rows below the window
  return error;
}

// data: flat uint8, the file; out: uint8 (height, width, 3), the window at (left, top) of the image at 1/scale.
void decode_jpeg_cpu(const Tensor& data, Tensor out, int64_t left, int64_t top, int64_t scale) {
  STD_TORCH_CHECK(data.scalar_type() == ScalarType::Byte && data.dim() == 1 && data.is_contiguous(),
                  "data must be flat, contiguous uint8");
  STD_TORCH_CHECK(out.scalar_type() == ScalarType::Byte && out.dim() == 3 && out.is_contiguous() &&
                      out.size(2) == kChannels && out.numel() > 0,
                  "out must be contiguous uint8 (height, width, 3)");
  STD_TORCH_CHECK(scale == 1 || scale == 2 || scale == 4 || scale == 8, "scale must be 1, 2, 4 or 8, got ", scale);
  const int64_t width = out.size(1), height = out.size(0);
  STD_TORCH_CHECK(left >= 0 && top >= 0 && left <= JPEG_MAX_DIMENSION - width && top <= JPEG_MAX_DIMENSION - height,
                  "the window must lie in the image, got ", width, " x ", height, " at ", left, ", ", top);
  check_extent(data, "data");
  check_extent(out, "out");
  Errors errors;
  std::vector<uint8_t> row;
  const std::string error =
      decode(errors, static_cast<const uint8_t*>(data.const_data_ptr()), data.numel(),
             {left, top, width, height, scale}, static_cast<uint8_t*>(out.mutable_data_ptr()), row);
  STD_TORCH_CHECK(error.empty(), "decode_jpeg: ", error);
}

}  // namespace gpuaug

STABLE_TORCH_LIBRARY_FRAGMENT(gpuaug, library) {
  library.def("decode_jpeg(Tensor data, Tensor(a!) out, int left, int top, int scale) -> ()");
}

STABLE_TORCH_LIBRARY_IMPL(gpuaug, CPU, library) { library.impl("decode_jpeg", TORCH_BOX(&gpuaug::decode_jpeg_cpu)); }
