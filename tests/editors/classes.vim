" Writes the class of each word of the buffer's lines: vim -es -S classes.vim model.net, with the folders of editors/vim in the runtimepath.
filetype plugin on
syntax on
edit
let lines = [&filetype . ' ' . &commentstring]
for line in range(1, line('$'))
  let [text, last] = ['', '']
  for column in range(1, col([line, '$']) - 1)
    let name = synIDattr(synID(line, column, 1), 'name')
    if name !=# last
      let text .= '<' . name . '>'
      let last = name
    endif
    let text .= getline(line)[column - 1]
  endfor
  call add(lines, text)
endfor
call writefile(lines, 'classes')
qa!
