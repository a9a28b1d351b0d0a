// The TextMate grammar of VS Code gives each word the class that it has where it stands.
//
//     node tests/editors/grammar.mjs editors/vscode
import { readFileSync } from 'node:fs'

const folder = process.argv[2]
const read = name => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8'))
const extension = read('package.json')
read('language-configuration.json')
const grammar = read(extension.contributes.grammars[0].path)
const patterns = grammar.patterns.map(({ name, match }) => ({ name, match: new RegExp(match, 'y') }))

// As editors do: at each place the first pattern that fits takes what it matches.
function classes(line) {
  const found = []
  for (let at = 0; at < line.length;) {
    const pattern = patterns.find(one => { one.match.lastIndex = at; return one.match.test(line) })
    if (pattern) found.push(`${line.slice(at, pattern.match.lastIndex)}:${pattern.name.split('.')[0]}`)
    at = pattern ? pattern.match.lastIndex : at + 1
  }
  return found.join(' ')
}

const cases = {
  'model net3': 'model:keyword',
  'h = conv2d(32, 3x3, activation=relu)(x) # h=1': 'conv2d:entity 32:constant 3x3:constant activation:variable relu:support # h=1:comment',
  'activation(relu)': 'activation:entity relu:support',
  'dense (2, use_bias=false, kernel_regularizer=l2(0.5))': 'dense:entity 2:constant use_bias:variable false:constant kernel_regularizer:variable l2:support 0.5:constant',
  'max_pooling2d(2x2, padding = same)': 'max_pooling2d:entity 2x2:constant padding:variable same:constant',
  'outputs(relu_1, denser)': 'outputs:keyword',
  'fit(callbacks=[model_checkpoint("adam # 1")])': 'fit:keyword callbacks:variable model_checkpoint:support "adam # 1":string',
  'let smallest = 1e-3': 'let:keyword 1e-3:constant',
}
for (const [line, wanted] of Object.entries(cases))
  if (classes(line) !== wanted) {
    console.error(`grammar: ${line}\n  gives ${classes(line)}\n  for   ${wanted}`)
    process.exitCode = 1
  }
