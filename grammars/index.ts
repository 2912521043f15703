import { grammar as bash } from './bash.ts';
import { byLinesGrammars } from './by-lines.ts';
import { grammar as c } from './c.ts';
import { grammar as clojure } from './clojure.ts';
import { grammar as cpp } from './cpp.ts';
import { grammar as csharp } from './csharp.ts';
import { grammar as css } from './css.ts';
import { grammar as dart } from './dart.ts';
import { grammar as elixir } from './elixir.ts';
import { grammar as elm } from './elm.ts';
import { grammar as gdscript } from './gdscript.ts';
import { grammar as gleam } from './gleam.ts';
import { grammar as go } from './go.ts';
import type { Grammar } from './grammar.ts';
import { grammar as haskell } from './haskell.ts';
import { grammar as hcl } from './hcl.ts';
import { grammar as html } from './html.ts';
import { grammar as ini } from './ini.ts';
import { grammar as java } from './java.ts';
import { grammar as javascript } from './javascript.ts';
import { grammar as json } from './json.ts';
import { grammar as kotlin } from './kotlin.ts';
import { grammar as latex } from './latex.ts';
import { grammar as lua } from './lua.ts';
import { grammar as makefile } from './makefile.ts';
import { grammar as markdown } from './markdown.ts';
import { grammar as nix } from './nix.ts';
import { grammar as perl } from './perl.ts';
import { grammar as php } from './php.ts';
import { grammar as powershell } from './powershell.ts';
import { grammar as properties } from './properties.ts';
import { grammar as python } from './python.ts';
import { grammar as r } from './r.ts';
import { grammar as ruby } from './ruby.ts';
import { grammar as rust } from './rust.ts';
import { grammar as scala } from './scala.ts';
import { grammar as scss } from './scss.ts';
import { grammar as solidity } from './solidity.ts';
import { grammar as sparql } from './sparql.ts';
import { grammar as svelte } from './svelte.ts';
import { grammar as swift } from './swift.ts';
import { grammar as toml } from './toml.ts';
import { grammar as tsx } from './tsx.ts';
import { grammar as typescript } from './typescript.ts';
import { grammar as vue } from './vue.ts';
import { grammar as xml } from './xml.ts';
import { grammar as yaml } from './yaml.ts';
import { grammar as zig } from './zig.ts';

export { type Definition, DefinitionCollector, findDefinitions } from './definitions.ts';
export type { Grammar, GrammarWasm, HeadingStyle } from './grammar.ts';

/** Every language that has a name here; `languages.ts` in src/chunk finds a file's. */
export const grammars: readonly Grammar[] = [
  bash,
  c,
  clojure,
  cpp,
  csharp,
  css,
  dart,
  elixir,
  elm,
  gdscript,
  gleam,
  go,
  haskell,
  hcl,
  html,
  ini,
  java,
  javascript,
  json,
  kotlin,
  latex,
  lua,
  makefile,
  markdown,
  nix,
  perl,
  php,
  powershell,
  properties,
  python,
  r,
  ruby,
  rust,
  scala,
  scss,
  solidity,
  sparql,
  svelte,
  swift,
  toml,
  tsx,
  typescript,
  vue,
  xml,
  yaml,
  zig,
  ...byLinesGrammars,
];
