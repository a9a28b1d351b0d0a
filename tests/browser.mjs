// Pages in Chromium without a screen, for tests under node: what they share. $CHROMIUM names another browser.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const failures = [], tabs = []
export const check = (good, message) => { if (!good) failures.push(message) }

// ---- the browser, spoken to by pipes: messages end in a zero byte ----

const profile = mkdtempSync(join(tmpdir(), 'cnnc-demo-'))
const browser = spawn(process.env.CHROMIUM || 'chromium',
  ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--hide-scrollbars', '--remote-debugging-pipe', `--user-data-dir=${profile}`, 'about:blank'],
  { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
const waiting = new Map(), listeners = new Set()
let number = 0, rest = Buffer.alloc(0)

browser.stdio[4].on('data', data => {
  rest = Buffer.concat([rest, data])
  for (let end; (end = rest.indexOf(0)) >= 0; rest = rest.subarray(end + 1)) {
    const message = JSON.parse(rest.subarray(0, end).toString())
    const answer = waiting.get(message.id)
    waiting.delete(message.id)
    if (answer) message.error ? answer.fail(new Error(`${answer.method}: ${message.error.message}`)) : answer.good(message.result)
    else for (const listener of listeners) listener(message)
  }
})

function send(method, params = {}, sessionId) {
  return new Promise((good, fail) => {
    waiting.set(++number, { good, fail, method })
    browser.stdio[3].write(JSON.stringify({ id: number, method, params, sessionId }) + '\0')
  })
}

// Opens a page of its own, of that size. tab.send speaks to it, tab.evaluate gives what an expression is there, tab.shot makes a screenshot.
export async function open(file, folder, width, height, { scale = 1, dark = false, touch = false, query = '' } = {}) {
  const url = pathToFileURL(resolve(file)).href + query
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' })
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true })
  const tab = { url, width, requests: [], errors: [], send: (method, params) => send(method, params, sessionId) }
  listeners.add(message => {
    if (message.sessionId !== sessionId) return
    if (message.method === 'Network.requestWillBeSent' && !/^(data:|about:)/.test(message.params.request.url)) tab.requests.push(message.params.request.url)
    if (message.method === 'Runtime.exceptionThrown') tab.errors.push(message.params.exceptionDetails.exception?.description || message.params.exceptionDetails.text)
    if (message.method === 'Log.entryAdded' && message.params.entry.level === 'error') tab.errors.push(message.params.entry.text)
  })
  for (const domain of ['Network', 'Runtime', 'Page', 'Log']) await tab.send(`${domain}.enable`)
  await tab.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: scale, mobile: touch })
  await tab.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] })
  if (touch) await tab.send('Emulation.setTouchEmulationEnabled', { enabled: true })
  await tab.send('Page.navigate', { url })
  tab.evaluate = async expression => {
    const { result, exceptionDetails } = await tab.send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true })
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception?.description}`)
    return result.value
  }
  tab.shot = async name => {
    if (!folder) return
    const { data } = await tab.send('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true })
    writeFileSync(join(folder, name), Buffer.from(data, 'base64'))
  }
  for (let tries = 0; await tab.evaluate('location.href + document.readyState') !== `${url}complete`; tries++) {
    if (tries === 100) throw new Error(`${url} is not loaded`)
    await new Promise(done => setTimeout(done, 100))
  }
  tabs.push(tab)
  return tab
}

// At the end of each page: nothing was asked for from elsewhere, nothing was thrown, nothing sticks out.
async function checkTab(tab) {
  const wide = await tab.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
  check(wide <= 0, `at ${tab.width} pixels the page is ${wide} pixels too wide`)
  check(!tab.errors.length, `errors: ${tab.errors}`)
  check(tab.requests.every(url => url === tab.url), `the page asks for ${tab.requests}`)
}

// Runs the checks, then ends the browser and the process.
export async function run(checks) {
  const name = basename(process.argv[1], '.mjs'), gone = new Promise(done => browser.on('exit', done))
  const limit = setTimeout(() => { console.error(`${name}: no end after two minutes; waiting for ${Array.from(waiting.values(), one => one.method)}`); browser.kill('SIGKILL'); process.exit(1) }, 120000)
  browser.on('error', error => { console.error(`${name}: cannot run the browser: ${error.message}`); process.exit(1) })
  try {
    await checks()
    for (const tab of tabs) await checkTab(tab)
  } catch (error) {
    failures.push(error.message)
  }
  clearTimeout(limit)
  send('Browser.close').catch(() => {})
  await Promise.race([gone, new Promise(done => setTimeout(done, 10000))])
  browser.kill('SIGKILL')
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  for (const failure of failures) console.error(`${name}: ${failure}`)
  if (!failures.length) console.log(`${name}: ${process.argv[2]} is as it should be`)
  process.exit(failures.length ? 1 : 0)
}
