" Networks for cnnc: .net files.
autocmd BufNewFile,BufRead *.net setfiletype cnnc
