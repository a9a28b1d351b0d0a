// The network in WebAssembly, for the page and for tests under node: no DOM here.
'use strict'

// Tensors of a safetensors file, by name: 8 bytes with the length of a JSON header, the header, the numbers.
function readSafetensors(bytes) {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))
  const tensors = {}
  for (const [name, tensor] of Object.entries(header)) {
    if (name === '__metadata__' || tensor.dtype !== 'F32') continue
    const [begin, end] = tensor.data_offsets
    tensors[name] = new Float32Array(bytes.slice(8 + length + begin, 8 + length + end).buffer)
  }
  return tensors
}

async function openNetwork(module, weights) {
  const { instance } = await WebAssembly.instantiate(module, {})
  const c = instance.exports
  c.begin()
  // Views anew each time: memory that grows leaves old ones behind.
  const view = (address, count) => new Float32Array(c.memory.buffer, address, count)
  const text = address => {
    const bytes = new Uint8Array(c.memory.buffer, address)
    return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)))
  }
  if (c.input_count() !== 1 || c.output_count() !== 1) throw new Error('this page is for networks with one input and one output')
  const tensors = readSafetensors(weights)
  for (let i = 0; i < c.tensor_count(); i++) {
    const name = text(c.tensor_name(i)), count = c.tensor_floats(i), values = tensors[name]
    if (!values || values.length !== count) throw new Error(`the weights have no ${name} of ${count} numbers`)
    view(c.tensor_values(i), count).set(values)
  }
  c.ready()
  const layers = []
  for (let i = 0; i < c.feature_count(); i++) {
    const shape = Array.from({ length: c.feature_rank(i) }, (_, axis) => c.feature_size(i, axis))
    const count = shape.reduce((product, size) => product * size, 1)
    layers.push({ name: text(c.feature_name(i)), shape, values: () => view(c.feature_values(i), count) })
  }
  return {
    name: text(c.model_name()),
    pixels: c.input_floats(),
    layers,
    // Probabilities of one picture, numbers from 0 (paper) to 255 (ink), row by row.
    predict(picture) {
      view(c.input_values(), picture.length).set(picture)
      c.predict()
      return view(c.output_values(), c.output_floats()).slice()
    },
    // Then layers[i].values() is what that layer makes of the same picture.
    look: () => c.look(),
  }
}

// Strokes, lists of points [x, y] in any unit, as MNIST's digits are: scaled, with their proportions kept, into a box of 20 x 20 pixels,
// which stands in 28 x 28 such that the centre of mass is in the middle. (Other sizes likewise.) The pen is 2.4 pixels wide whatever
// the scale: strokes are scaled, not pixels.
function drawPicture(strokes, size) {
  const picture = new Float32Array(size * size), points = strokes.flat()
  if (!points.length) return picture
  const box = size * 20 / 28, radius = size * 1.2 / 28
  const low = k => points.reduce((least, point) => Math.min(least, point[k]), Infinity)
  const high = k => points.reduce((most, point) => Math.max(most, point[k]), -Infinity)
  const [left, right, top, bottom] = [low(0), high(0), low(1), high(1)]
  const extent = Math.max(right - left, bottom - top)
  const scale = extent > 0 ? (box - 2 * radius) / extent : 0
  const draw = (x, y) => { // (x, y): where the middle of the box goes
    picture.fill(0)
    for (const stroke of strokes) {
      const at = stroke.map(p => [x + (p[0] - (left + right) / 2) * scale, y + (p[1] - (top + bottom) / 2) * scale])
      at.forEach((end, i) => drawLine(picture, size, at[Math.max(i - 1, 0)], end, radius))
    }
  }
  draw(size / 2, size / 2)
  let ink = 0, x = 0, y = 0
  picture.forEach((value, i) => {
    ink += value
    x += value * (i % size + 0.5)
    y += value * (Math.floor(i / size) + 0.5)
  })
  draw(size - x / ink, size - y / ink)
  return picture
}

// A line with round ends; a pixel is as dark as its middle is within the pen.
function drawLine(picture, size, [ax, ay], [bx, by], radius) {
  const range = (a, b) => [Math.max(0, Math.floor(Math.min(a, b) - radius - 1)), Math.min(size - 1, Math.ceil(Math.max(a, b) + radius + 1))]
  const [left, right] = range(ax, bx), [top, bottom] = range(ay, by)
  const dx = bx - ax, dy = by - ay, length2 = dx * dx + dy * dy
  for (let row = top; row <= bottom; row++)
    for (let column = left; column <= right; column++) {
      const x = column + 0.5 - ax, y = row + 0.5 - ay
      const along = length2 > 0 ? Math.min(1, Math.max(0, (x * dx + y * dy) / length2)) : 0
      const distance = Math.hypot(x - along * dx, y - along * dy)
      const value = 255 * Math.min(1, Math.max(0, radius + 0.5 - distance)), at = row * size + column
      if (value > picture[at]) picture[at] = value
    }
}
