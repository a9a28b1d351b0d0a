// The demo page in a browser without a screen: digits drawn by a mouse and by a finger, on a desk and on a phone, light and dark.
//
//     node tests/demo/page.mjs build/demo/index.html [FOLDER]
//
// Pointer events come through the DevTools protocol, as the browser's own; FOLDER receives screenshots. Exit status 1: something is not as
// it should be, and was said.
import { check, open, run } from '../browser.mjs'

const [page, folder] = process.argv.slice(2)

// ---- digits as strokes, in a square of side 1 ----

const arc = (x, y, rx, ry, from, to) => Array.from({ length: 25 }, (_, i) => {
  const angle = (from + (to - from) * i / 24) * Math.PI / 180
  return [x + rx * Math.cos(angle), y + ry * Math.sin(angle)]
})
const digits = {
  0: [arc(0.5, 0.5, 0.2, 0.3, -90, 270)],
  1: [[[0.52, 0.2], [0.5, 0.5], [0.48, 0.8]]],
  2: [[...arc(0.5, 0.36, 0.17, 0.17, 190, 370), [0.55, 0.6], [0.33, 0.8], [0.7, 0.8]]],
  3: [[...arc(0.48, 0.35, 0.16, 0.15, 200, 440), ...arc(0.48, 0.65, 0.19, 0.17, -80, 160)]],
  4: [[[0.38, 0.2], [0.34, 0.52], [0.68, 0.52]], [[0.62, 0.22], [0.6, 0.82]]],
  5: [[[0.66, 0.2], [0.4, 0.2], [0.37, 0.47], ...arc(0.48, 0.62, 0.19, 0.18, 230, 500)]],
  6: [[[0.58, 0.18], [0.44, 0.36], ...arc(0.5, 0.64, 0.15, 0.17, 200, 560)]],
  7: [[[0.3, 0.22], [0.7, 0.22], [0.56, 0.5], [0.46, 0.82]]],
  8: [[...arc(0.5, 0.35, 0.14, 0.15, 90, -270), ...arc(0.5, 0.66, 0.17, 0.16, -90, 270)]],
  9: [[...arc(0.5, 0.37, 0.15, 0.16, 0, -360), [0.64, 0.55], [0.6, 0.82]]],
}

// Draws a digit with the mouse or a finger, of that size, its square's corner at (left, top) of the field; returns the answer.
async function draw(tab, digit, { touch = false, size = 1, left = 0, top = 0 } = {}) {
  await tab.send('Page.bringToFront') // a page in the background draws no frames
  await tab.evaluate('document.getElementById("clear").click()')
  const box = await tab.evaluate('(({ left, top, width, height }) => ({ left, top, width, height }))(document.getElementById("pad").getBoundingClientRect())')
  for (const stroke of digits[digit]) {
    const points = stroke.map(([x, y]) => ({ x: box.left + (left + x * size) * box.width, y: box.top + (top + y * size) * box.height }))
    for (const [i, point] of points.entries()) {
      const last = i === points.length - 1
      if (touch) {
        await tab.send('Input.dispatchTouchEvent', { type: i ? 'touchMove' : 'touchStart', touchPoints: [point] })
        if (last) await tab.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
      } else {
        await tab.send('Input.dispatchMouseEvent', { ...point, type: i ? 'mouseMoved' : 'mousePressed', button: 'left', buttons: 1, clickCount: 1 })
        if (last) await tab.send('Input.dispatchMouseEvent', { ...point, type: 'mouseReleased', button: 'left', buttons: 0, clickCount: 1 })
      }
    }
  }
  await tab.evaluate('new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))')
  return tab.evaluate('document.getElementById("answer").textContent')
}

const picture = tab => tab.evaluate(`(() => { const c = document.getElementById('seen'); return Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).filter((_, i) => i % 4 === 0) })()`)
const shares = tab => tab.evaluate(`Array.from(document.querySelectorAll('#bars .row'), row => Number(row.lastChild.textContent))`)

// Waits until the network is there.
async function begun(tab) {
  for (let tries = 0; !await tab.evaluate('document.body.dataset.kind || ""'); tries++) {
    if (tries === 100) throw new Error(`the page does not begin: ${await tab.evaluate('document.body.innerText')}`)
    await new Promise(done => setTimeout(done, 100))
  }
}

await run(async () => {
  const desk = await open(page, folder, 1200, 900)
  await begun(desk)
  check(await desk.evaluate('document.body.dataset.kind') === 'SIMD', 'the module with SIMD is not taken')
  check(await desk.evaluate('document.getElementById("answer").textContent') === '?', 'there is an answer before anything is drawn')
  for (const digit of Object.keys(digits)) {
    const answer = await draw(desk, digit)
    check(answer === digit, `a drawn ${digit} is read as ${answer}: ${await shares(desk)}`)
    check(Math.abs((await shares(desk)).reduce((sum, share) => sum + share, 0) - 1) < 0.01, `the probabilities of a ${digit} do not add up to 1`)
    if ('47'.includes(digit)) await desk.shot(`desk-${digit}.png`)
  }
  // As MNIST's digits: wherever and however large it is drawn, the picture is the same, 20 pixels high with its centre of mass in the middle.
  await draw(desk, 7)
  const large = await picture(desk)
  check(await draw(desk, 7, { size: 0.4, left: 0.55, top: 0.05 }) === '7', 'a small 7 in a corner is not read')
  const small = await picture(desk)
  check(large.every((value, i) => Math.abs(value - small[i]) < 24), 'a small digit gives another picture than a large one')
  const rows = Array.from({ length: 28 }, (_, y) => large.slice(28 * y, 28 * y + 28).some(value => value > 127)).filter(Boolean).length
  const ink = large.reduce((sum, value) => sum + value, 0), x = large.reduce((sum, value, i) => sum + value * (i % 28 + 0.5), 0) / ink
  const y = large.reduce((sum, value, i) => sum + value * (Math.floor(i / 28) + 0.5), 0) / ink
  check(Math.abs(rows - 20) <= 1, `the digit is ${rows} pixels high`)
  check(Math.abs(x - 14) < 0.1 && Math.abs(y - 14) < 0.1, `the centre of mass is at ${x}, ${y}`)
  // Maps are there, and not one colour.
  const lively = await desk.evaluate(`Array.from(document.querySelectorAll('#layers canvas'), c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size > 3).filter(Boolean).length`)
  check(lively >= 8, `only ${lively} feature maps show something`)
  check(/prediction takes [\d.]+ (µs|ms) \(SIMD\)/.test(await desk.evaluate('document.getElementById("time").textContent')), 'the time of a prediction is not shown')
  await desk.evaluate('document.getElementById("undo").click()')
  await desk.evaluate('new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))')
  check(await desk.evaluate('document.getElementById("answer").textContent') === '?', 'undo of the only stroke leaves an answer')
  // The module without SIMD says the same.
  const plain = await open(page, folder, 1200, 900, { dark: true, query: '?plain' })
  await begun(plain)
  check(await plain.evaluate('document.body.dataset.kind') === 'without SIMD', '?plain takes the module with SIMD')
  await draw(desk, 4)
  check(await draw(plain, 4) === '4', 'without SIMD a 4 is not read')
  const [one, two] = [await shares(desk), await shares(plain)]
  check(one.every((share, i) => Math.abs(share - two[i]) < 0.0015), 'with and without SIMD the probabilities differ')
  await plain.shot('desk-dark.png')
  // A phone, and a finger.
  for (const dark of [false, true]) {
    const phone = await open(page, folder, 390, 844, { scale: 2, dark, touch: true })
    await begun(phone)
    for (const digit of ['0', '1', '4', '7']) check(await draw(phone, digit, { touch: true }) === digit, `a ${digit} drawn by a finger is not read`)
    await draw(phone, 4, { touch: true })
    await phone.shot(`phone-${dark ? 'dark' : 'light'}.png`)
  }
})
