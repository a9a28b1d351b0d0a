// A trainer's report in a browser without a screen: on a desk and on a phone, light and dark.
//
//     node tests/report/page.mjs report.html [FOLDER]
import { check, open, run } from '../browser.mjs'

const [page, folder] = process.argv.slice(2)
const sections = ['Training', 'Confusion matrix', 'Misread', "The first layer's filters", 'What the filters answer to', 'Feature maps', 'The network', 'Time per layer', 'Memory']

await run(async () => {
  for (const [width, dark] of [[1200, false], [1200, true], [390, false], [390, true]]) {
    const tab = await open(page, folder, width, 900, { dark, touch: width < 600 })
    const titles = await tab.evaluate('Array.from(document.querySelectorAll("h2"), title => title.textContent)')
    check(sections.join() === titles.join(), `the sections are ${titles.join(', ')}`)
    const broken = await tab.evaluate('Array.from(document.images).filter(image => !image.complete || !image.naturalWidth).length')
    check(broken === 0, `${broken} pictures are not drawn`)
    const [ground, ink] = await tab.evaluate('["backgroundColor", "color"].map(name => getComputedStyle(document.body)[name])')
    const light = colour => colour.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 765
    check(dark ? light(ground) < 0.2 && light(ink) > 0.8 : light(ground) > 0.8 && light(ink) < 0.2, `${ink} on ${ground}`)
    // Boxes of the drawings stay within them.
    const outside = await tab.evaluate(`Array.from(document.querySelectorAll('svg')).filter(svg => svg.querySelector('rect') && Array.from(svg.querySelectorAll('rect')).some(box => { const a = svg.getBoundingClientRect(), b = box.getBoundingClientRect(); return b.left < a.left - 1 || b.right > a.right + 1 || b.top < a.top - 1 || b.bottom > a.bottom + 1 })).length`)
    check(outside === 0, `${outside} drawings have boxes outside them`)
    // The confusion matrix of ten classes needs no scrolling, and its shares stay on their lines.
    const matrix = await tab.evaluate(`(() => { const t = document.querySelector('table.counts'), cells = Array.from(t.rows, row => row.lastChild.offsetHeight); return [t.scrollWidth - t.parentNode.clientWidth, Math.max(...cells)] })()`)
    check(matrix[0] <= 0, `the confusion matrix is ${matrix[0]} pixels too wide`)
    check(matrix[1] < 32, `a row of the confusion matrix is ${matrix[1]} pixels high`)
    await tab.shot(`report-${width}-${dark ? 'dark' : 'light'}.png`)
  }
})
