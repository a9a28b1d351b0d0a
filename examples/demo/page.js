// The page: strokes in, probabilities and feature maps out.
'use strict'

const find = id => document.getElementById(id)
const MOST_MAPS = 64
let network, size, strokes = [], planned = false

function fail(error) {
  find('problem').textContent = error.message
  find('problem').hidden = false
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), letter => letter.charCodeAt(0))
}

// ---- drawing ----

function place(event) {
  const box = find('pad').getBoundingClientRect()
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]
}

function paint() {
  const pad = find('pad'), pixels = Math.round(pad.clientWidth * (window.devicePixelRatio || 1))
  if (pad.width !== pixels) pad.width = pad.height = pixels
  const context = pad.getContext('2d')
  context.clearRect(0, 0, pixels, pixels)
  context.strokeStyle = getComputedStyle(pad).color
  context.lineWidth = pixels * 0.06
  context.lineCap = context.lineJoin = 'round'
  for (const stroke of strokes) {
    context.beginPath()
    stroke.forEach(([x, y], i) => i ? context.lineTo(x * pixels, y * pixels) : context.moveTo(x * pixels, y * pixels))
    if (stroke.length === 1) context.lineTo(stroke[0][0] * pixels, stroke[0][1] * pixels)
    context.stroke()
  }
  find('hint').hidden = strokes.length > 0
}

function listen() {
  const pad = find('pad')
  let drawing = null // the pointer that draws
  pad.addEventListener('pointerdown', event => {
    if (drawing !== null || event.button !== 0) return
    drawing = event.pointerId
    pad.setPointerCapture(drawing)
    strokes.push([place(event)])
    plan()
    event.preventDefault()
  })
  pad.addEventListener('pointermove', event => {
    if (event.pointerId !== drawing) return
    const events = event.getCoalescedEvents ? event.getCoalescedEvents() : []
    strokes[strokes.length - 1].push(...(events.length ? events : [event]).map(place))
    plan()
  })
  for (const end of ['pointerup', 'pointercancel'])
    pad.addEventListener(end, event => {
      if (event.pointerId !== drawing) return
      drawing = null
      measure()
    })
  find('clear').addEventListener('click', () => { strokes = []; plan() })
  find('undo').addEventListener('click', () => { strokes.pop(); plan() })
  window.addEventListener('resize', paint)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint)
}

// ---- what the network says ----

function plan() {
  if (planned) return
  planned = true
  requestAnimationFrame(() => {
    planned = false
    update()
  })
}

function update() {
  paint()
  if (!network) return
  const picture = drawPicture(strokes, size)
  shade(find('seen'), picture, 0, 1, 0, 255)
  const any = strokes.length > 0
  find('layers').hidden = !any
  showAnswers(any ? network.predict(picture) : null)
  if (!any) return
  network.look()
  for (const layer of network.layers) layer.show()
}

function showAnswers(answers) {
  const rows = find('bars').children
  let most = 0
  for (let i = 0; i < rows.length; i++) if (answers && answers[i] > answers[most]) most = i
  for (let i = 0; i < rows.length; i++) {
    const share = answers ? answers[i] : 0
    rows[i].classList.toggle('most', Boolean(answers) && i === most)
    rows[i].querySelector('i').style.width = `${100 * Math.min(1, Math.max(0, share))}%`
    rows[i].lastChild.textContent = answers ? share.toFixed(3) : ''
  }
  find('answer').textContent = answers ? most : '?'
  find('certainty').textContent = answers ? `${(100 * answers[most]).toFixed(1)} % certain` : 'nothing drawn yet'
  if (!answers) find('time').textContent = ''
}

// The time of one prediction: of many, as browsers' clocks are coarse.
function measure() {
  if (!network || !strokes.length) return
  const picture = drawPicture(strokes, size), start = performance.now()
  let count = 0
  while (performance.now() - start < 20) for (let i = 0; i < 10; i++, count++) network.predict(picture)
  const microseconds = 1000 * (performance.now() - start) / count
  find('time').textContent = `one prediction takes ${microseconds < 1000 ? `${microseconds.toFixed(0)} µs` : `${(microseconds / 1000).toFixed(1)} ms`} (${network.kind})`
}

// ---- pictures ----

// A map of the values at offset, offset + stride, ...: grey, low being black and high white; by default the least and the largest.
function shade(canvas, values, offset, stride, low, high) {
  const count = canvas.width * canvas.height, image = new ImageData(canvas.width, canvas.height)
  if (low === undefined) {
    low = Infinity
    high = -Infinity
    for (let i = 0; i < count; i++) {
      low = Math.min(low, values[offset + i * stride])
      high = Math.max(high, values[offset + i * stride])
    }
  }
  for (let i = 0; i < count; i++) {
    const value = high > low ? 255 * (values[offset + i * stride] - low) / (high - low) : 0
    image.data.set([value, value, value, 255], 4 * i)
  }
  canvas.getContext('2d').putImageData(image, 0, 0)
}

// Signed numbers: from blue, the most negative, over white, 0, to red.
function colour(canvas, values) {
  const image = new ImageData(canvas.width, canvas.height)
  const most = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)
  values.forEach((value, i) => {
    const share = most > 0 ? value / most : 0, end = share < 0 ? [0x21, 0x66, 0xac] : [0xb2, 0x18, 0x2b]
    image.data.set([...end.map(part => 255 + (part - 255) * Math.abs(share)), 255], 4 * i)
  })
  canvas.getContext('2d').putImageData(image, 0, 0)
}

function newCanvas(width, height, shown) {
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  canvas.style.width = `${shown}px`
  return canvas
}

// Not the picture once more, as what only scales it gives, nor the numbers of the layer before in another shape.
function isNew(layer, i, layers) {
  const numbers = shape => shape.reduce((product, n) => product * n, 1), before = layers.slice(0, i + 1)
  const flat = i && layer.shape.length === 1 && layers[i - 1].shape.length > 1
  return !before.every(({ shape }) => numbers(shape) === network.pixels) && !(flat && numbers(layer.shape) === numbers(layers[i - 1].shape))
}

function addLayer(layer) {
  const title = document.createElement('h3'), tiles = document.createElement('div'), note = document.createElement('small')
  const isImage = layer.shape.length === 3 && layer.shape[0] > 1 && layer.shape[1] > 1
  const [height, width, channels] = layer.shape, count = layer.shape.reduce((product, n) => product * n, 1)
  tiles.className = 'tiles'
  note.textContent = layer.shape.join(' × ')
  if (isImage) {
    const maps = []
    for (let k = 0; k < Math.min(channels, MOST_MAPS); k++) maps.push(newCanvas(width, height, Math.min(112, Math.max(48, 3 * width))))
    tiles.append(...maps)
    if (maps.length < channels) note.textContent += `, the first ${maps.length} maps`
    layer.show = () => maps.forEach((map, k) => shade(map, layer.values(), k, channels))
  } else {
    const columns = count <= 160 ? Math.ceil(count / Math.ceil(count / 50)) : Math.ceil(count / Math.ceil(count / 100))
    const canvas = newCanvas(columns, Math.ceil(count / columns), columns * (count <= 160 ? 14 : 8))
    canvas.className = 'row-of-numbers'
    tiles.append(canvas)
    layer.show = () => colour(canvas, layer.values())
  }
  title.append(layer.name, ' ', note)
  find('layers').append(title, tiles)
}

// ---- begin ----

async function begin() {
  listen()
  paint()
  const simd = bytesOf(modules.simd), plain = location.search === '?plain' || !WebAssembly.validate(simd)
  network = await openNetwork(plain ? bytesOf(modules.plain) : simd, bytesOf(weights))
  network.kind = plain ? 'without SIMD' : 'SIMD'
  size = Math.round(Math.sqrt(network.pixels))
  if (size * size !== network.pixels) throw new Error('this page is for networks that take a square picture of one channel')
  find('name').textContent = network.name
  find('seen').width = find('seen').height = size
  const classes = network.predict(new Float32Array(network.pixels)).length
  for (let i = 0; i < classes; i++) {
    const row = document.createElement('div')
    row.className = 'row'
    row.innerHTML = `<span>${i}</span><span class="bar"><i></i></span><span></span>`
    find('bars').append(row)
  }
  network.layers = network.layers.filter(isNew)
  network.layers.forEach(addLayer)
  document.body.dataset.kind = network.kind
  update()
}

begin().catch(fail)
