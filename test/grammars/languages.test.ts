import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { detectLanguage, languageByName, languageNames } from '../../src/chunk/languages.ts';

function detect(path: string, text?: string): string | undefined {
  return detectLanguage(path, text === undefined ? undefined : Buffer.from(text))?.name;
}

function check(expected: Record<string, string | undefined>): void {
  for (const [path, name] of Object.entries(expected)) assert.equal(detect(path), name, path);
}

describe('detectLanguage', () => {
  it('by extension, in any case, the longest first', () => {
    check({
      'src/a.ts': 'typescript',
      'a.d.ts': 'typescript',
      'deep/er/a.test.PY': 'python',
      'lib/view.html.erb': 'erb',
      '.github/workflows/ci.yml': 'yaml',
      'a.R': 'r',
      'main.tf': 'hcl',
      'schema.sql': 'sql',
      'no-extension': undefined,
      'a.unheard-of': undefined,
    });
  });

  it('by file name', () => {
    check({
      'CMakeLists.txt': 'cmake',
      Dockerfile: 'dockerfile',
      'docker/Dockerfile.prod': 'dockerfile',
      'README.first': 'plaintext',
      Makefile: 'makefile',
      'home/.bashrc': 'bash',
      'Cargo.lock': 'toml',
      'go.mod': 'gomod',
      'configure.log': undefined,
    });
  });

  it('past the suffix of a template', () => {
    check({
      'settings.py.example': 'python',
      'config.h.in': 'c',
      '.env.sample': 'properties',
      '.in': undefined,
    });
  });

  it('by the interpreter on the first line, or a modeline', () => {
    const lines: Record<string, string | undefined> = {
      '#!/bin/sh': 'bash',
      '#! /bin/bash -e': 'bash',
      '#!/usr/bin/env python3': 'python',
      '#!/usr/bin/python3.11': 'python',
      '#!/usr/bin/env -S LANG=C node --no-warnings': 'javascript',
      '#!/usr/bin/env ruby\r': 'ruby',
      '#!/usr/local/bin/Rscript --vanilla': 'r',
      '#!/usr/bin/env fish': 'fish',
      '#!/usr/bin/env': undefined,
      '#!/opt/bin/own-thing': undefined,
      'not #!/bin/sh': undefined,
      '<?xml version="1.0"?>': 'xml',
      '// algorithms -*- C++ -*-': 'cpp',
      '# -*- coding: utf-8; mode: ruby -*-': 'ruby',
      '# -*- coding: utf-8 -*-': undefined,
      '# vim: set sw=2 ft=sh:': 'bash',
    };
    for (const [line, name] of Object.entries(lines)) {
      assert.equal(detect('bin/tool', `${line}\necho 1\n`), name, line);
    }
    assert.equal(detect('bin/tool', '\u{feff}#!/bin/sh\n'), 'bash');
    assert.equal(detect('bin/tool.py', '#!/bin/sh\n'), 'python', 'the name counts more');
  });

  it('by content where an extension has two meanings', () => {
    const cases: [path: string, text: string, name: string][] = [
      ['a.h', '#include <stdio.h>\nstruct a { int class_id; };\n', 'c'],
      ['a.h', '#include <string.h>\n/* the class of it */\n', 'c'],
      ['a.h', '#pragma once\nnamespace a {\n}\n', 'cpp'],
      ['a.h', 'template<typename T>\nT f(T);\n', 'cpp'],
      ['a.h', 'void f(const std::string& s);\n', 'cpp'],
      ['a.h', 'class A;\n', 'cpp'],
      ['a.h', '#import <Foundation/Foundation.h>\n@interface A\n@end\n', 'objective-c'],
      ['a.m', '#import "a.h"\n@implementation A\n@end\n', 'objective-c'],
      ['a.m', '% area of a circle\nfunction a = area(r)\n', 'matlab'],
      ['a.pl', 'use strict;\nmy $x = 1;\n', 'perl'],
      ['a.pl', ':- use_module(library(lists)).\n', 'prolog'],
      ['a.ts', 'export const a = 1;\n', 'typescript'],
      ['a_de.ts', '<?xml version="1.0"?>\n<!DOCTYPE TS>\n<TS/>\n', 'xml'],
      ['a.v', 'module adder(input a);\nendmodule\n', 'verilog'],
      ['a.v', 'Theorem t : True.\nProof. trivial. Qed.\n', 'coq'],
    ];
    for (const [path, text, name] of cases) assert.equal(detect(path, text), name, text);
    assert.equal(detect('a.h'), 'c');
  });

  it('looks at the bytes of a view and at no others', () => {
    const buffer = Buffer.from('xxxx#!/bin/sh\n');
    assert.equal(detectLanguage('tool', buffer.subarray(4))?.name, 'bash');
    assert.equal(detectLanguage('tool', buffer.subarray(4, 8)), undefined);
    assert.equal(detectLanguage('tool', new Uint8Array(0)), undefined);
  });
});

describe('languageByName', () => {
  it('knows names and aliases, in any case', () => {
    const names: Record<string, string | undefined> = {
      TypeScript: 'typescript',
      ts: 'typescript',
      'C++': 'cpp',
      'c#': 'csharp',
      sh: 'bash',
      md: 'markdown',
      yml: 'yaml',
      klingon: undefined,
      constructor: undefined,
    };
    for (const [name, expected] of Object.entries(names)) assert.equal(languageByName(name)?.name, expected);
  });

  it('finds what languageNames lists', () => {
    const names = languageNames();
    assert.deepEqual(names, [...new Set(names)].sort());
    for (const name of names) assert.equal(languageByName(name)?.name, name);
  });
});
