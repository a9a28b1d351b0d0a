// The demo's network in WebAssembly gives what it gives on this machine, within 1e-5: the probabilities and the numbers of each layer.
//
//     node tests/demo/numbers.mjs EXAMPLES_DEMO NATIVE WEIGHTS MODULE...
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const [folder, native, weightsPath, ...modules] = process.argv.slice(2)
const { openNetwork, readSafetensors, drawPicture } = new Function(`${readFileSync(join(folder, 'network.js'), 'utf8')}\nreturn { openNetwork, readSafetensors, drawPicture }`)()
const weights = new Uint8Array(readFileSync(weightsPath))
const bytes = array => Buffer.from(array.buffer, array.byteOffset, array.byteLength)

for (const module of modules) {
  const network = await openNetwork(readFileSync(module), weights)
  const picture = drawPicture([[[0.3, 0.22], [0.7, 0.22], [0.56, 0.5], [0.46, 0.82]]], Math.sqrt(network.pixels))
  const values = [...network.predict(picture)]
  network.look()
  for (const layer of network.layers) values.push(...layer.values())
  const input = Buffer.concat([...Object.values(readSafetensors(weights)).map(bytes), bytes(picture)])
  const { status, stdout } = spawnSync(native, { input, maxBuffer: 1 << 28 })
  const wanted = new Float32Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + stdout.length))
  let worst = 0
  for (const [i, value] of wanted.entries()) {
    const error = Math.abs(value - values[i]) / Math.max(1, Math.abs(value))
    if (!(error <= worst)) worst = error
  }
  const spread = wanted.filter(value => Math.abs(value) > 0.01).length
  if (status !== 0 || wanted.length !== values.length || wanted.length < 1000 || spread < 500 || !(worst <= 1e-5)) {
    console.error(`numbers: ${module}: ${values.length} numbers of ${wanted.length}, ${spread} of some size, differ by ${worst}`)
    process.exit(1)
  }
  console.log(`numbers: ${module}: ${wanted.length} numbers within ${worst.toExponential(1)}`)
}
