// Pictures for the networks, made on the device from frames that lie there: crops, fitted frames,
// normalised planes. They equal what OpenCV 5 makes on a CPU with fused multiply-add, bit for bit:
// every sum and product is rounded where OpenCV rounds it, and the __f*_rn functions keep the
// compiler from fusing others. crops.py makes what goes in.

typedef unsigned char u8;

// One crop. Its pixel (x, y) shows the frame at (x * step_x + first_x, y * step_y + first_y).
struct Cut {
    const u8 *frame;
    int rows, columns;
    float step_x, first_x, step_y, first_y;
};

// The share of a source pixel in a pixel of the result, along one axis.
struct Tap {
    int at;
    float weight;
};

__device__ __forceinline__ u8 grey(float value)
{
    return (u8)min(max(__float2int_rn(value), 0), 255);
}

__device__ __forceinline__ float between(float a, float b, float share)
{
    return __fmaf_rn(share, __fsub_rn(b, a), a);
}

// cv2.warpAffine with INTER_LINEAR and a black border. Grid: (pixels of a crop / block, crops).
extern "C" __global__ void cut(const Cut *cuts, u8 *out, int height, int width, int mirror)
{
    const int pixel = blockIdx.x * blockDim.x + threadIdx.x;
    if (pixel >= height * width)
        return;
    const Cut c = cuts[blockIdx.y];
    const int row = pixel / width, column = pixel - row * width;
    const int place = mirror ? row * width + width - 1 - column : pixel;
    u8 *to = out + ((size_t)blockIdx.y * height * width + place) * 3;
    // OpenCV rounds the column's position once and the row's twice.
    const float x = __fmaf_rn(c.step_x, (float)column, c.first_x);
    const float y = __fadd_rn(__fmul_rn(c.step_y, (float)row), c.first_y);
    const float left = floorf(x), top = floorf(y);
    // Compared as floats: what lies beyond the range of int must not come back into the frame.
    if (!(left >= -1.0f && left < (float)c.columns && top >= -1.0f && top < (float)c.rows)) {
        to[0] = to[1] = to[2] = 0;
        return;
    }
    const int ix = (int)left, iy = (int)top;
    const float right_share = __fsub_rn(x, left), low_share = __fsub_rn(y, top);
    const bool has_left = ix >= 0, has_right = ix + 1 < c.columns;
    const bool has_top = iy >= 0, has_low = iy + 1 < c.rows;
    const long long line = (long long)c.columns * 3, at = iy * line + ix * 3;
    for (int channel = 0; channel < 3; ++channel) {
        const u8 *from = c.frame + at + channel;
        const float upper = between(has_top && has_left ? (float)from[0] : 0.0f,
                                    has_top && has_right ? (float)from[3] : 0.0f, right_share);
        const float lower = between(has_low && has_left ? (float)from[line] : 0.0f,
                                    has_low && has_right ? (float)from[line + 3] : 0.0f, right_share);
        to[channel] = grey(between(upper, lower, low_share));
    }
}

// The weighted sum over the taps of both axes, in the order of cv2.resize with INTER_AREA.
__device__ __forceinline__ float weighted(const u8 *frame, int columns, const Tap *xs, int x_count,
                                          const Tap *ys, int y_count)
{
    float sum = 0.0f;
    for (int j = 0; j < y_count; ++j) {
        const u8 *line = frame + (size_t)ys[j].at * columns * 3;
        float across = 0.0f;
        for (int i = 0; i < x_count; ++i)
            across = __fadd_rn(across, __fmul_rn((float)line[xs[i].at * 3], xs[i].weight));
        sum = __fadd_rn(sum, __fmul_rn(across, ys[j].weight));
    }
    return sum;
}

// Two taps an axis in fixed point of 11 bits, as cv2.resize does with INTER_LINEAR.
__device__ __forceinline__ int fixed(const u8 *frame, int columns, const Tap *xs, const Tap *ys)
{
    int sum = 2;
    for (int j = 0; j < 2; ++j) {
        const u8 *line = frame + (size_t)ys[j].at * columns * 3;
        const int across =
            line[xs[0].at * 3] * (int)xs[0].weight + line[xs[1].at * 3] * (int)xs[1].weight;
        sum += ((across >> 4) * (int)ys[j].weight) >> 16;
    }
    return min(max(sum >> 2, 0), 255);
}

// cv2.resize into the upper left corner of a canvas whose rest is `pad`. The taps of column x are
// x_taps[x_starts[x]] up to x_taps[x_starts[x + 1]], those of rows likewise. way: 0 sums areas,
// 1 does and rounds halves up, 2 is linear. Grid: (pixels of the canvas / block).
extern "C" __global__ void fit(const u8 *frame, int columns, u8 *out, int height, int width,
                               int new_height, int new_width, const int *x_starts,
                               const Tap *x_taps, const int *y_starts, const Tap *y_taps,
                               float scale, int way, int pad)
{
    const int pixel = blockIdx.x * blockDim.x + threadIdx.x;
    if (pixel >= height * width)
        return;
    const int row = pixel / width, column = pixel - row * width;
    u8 *to = out + (size_t)pixel * 3;
    if (row >= new_height || column >= new_width) {
        to[0] = to[1] = to[2] = (u8)pad;
        return;
    }
    const Tap *xs = x_taps + x_starts[column], *ys = y_taps + y_starts[row];
    const int x_count = x_starts[column + 1] - x_starts[column];
    const int y_count = y_starts[row + 1] - y_starts[row];
    for (int channel = 0; channel < 3; ++channel) {
        if (way == 2) {
            to[channel] = (u8)fixed(frame + channel, columns, xs, ys);
            continue;
        }
        const float sum = weighted(frame + channel, columns, xs, x_count, ys, y_count);
        const float value = __fmul_rn(sum, scale);
        to[channel] = grey(way == 1 ? floorf(__fadd_rn(value, 0.5f)) : value);
    }
}

// (N, H, W, 3) bytes as (N, 3, H, W) floats, (value - mean) / spread; `reverse` turns BGR into RGB,
// mean and spread being those of the planes. Grid: (pixels of a picture / block, pictures).
extern "C" __global__ void planes(const u8 *in, float *out, int pixels, int reverse, float mean0,
                                  float mean1, float mean2, float spread0, float spread1,
                                  float spread2)
{
    const int pixel = blockIdx.x * blockDim.x + threadIdx.x;
    if (pixel >= pixels)
        return;
    const u8 *from = in + ((size_t)blockIdx.y * pixels + pixel) * 3;
    float *to = out + (size_t)blockIdx.y * pixels * 3 + pixel;
    const float mean[3] = {mean0, mean1, mean2}, spread[3] = {spread0, spread1, spread2};
    for (int plane = 0; plane < 3; ++plane) {
        const float value = (float)from[reverse ? 2 - plane : plane];
        to[(size_t)plane * pixels] = __fdiv_rn(__fsub_rn(value, mean[plane]), spread[plane]);
    }
}
