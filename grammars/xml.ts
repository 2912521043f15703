import type { Grammar } from './grammar.ts';
import { cursorless } from './packages.ts';

export const grammar: Grammar = {
  name: 'xml',
  aliases: ['svg', 'xsd', 'xsl', 'wsdl', 'plist'],
  extensions: [
    '.xml',
    '.xsd',
    '.xsl',
    '.xslt',
    '.svg',
    '.wsdl',
    '.plist',
    '.csproj',
    '.fsproj',
    '.vbproj',
    '.vcxproj',
    '.props',
    '.targets',
    '.xaml',
    '.axaml',
    '.resx',
    '.nuspec',
    '.rss',
    '.atom',
    '.kml',
    '.gpx',
    '.xmi',
    '.ui',
    '.qrc',
    '.storyboard',
    '.xib',
    '.iml',
    '.dita',
    '.pom',
    '.config',
  ],
  filenames: ['.classpath', '.project'],
  kind: 'code',
  wasm: cursorless('xml'),
  definitions: `
(element (STag (Attribute (Name) @_key (AttValue) @name))
  (#any-of? @_key "id" "name" "xml:id" "x:Name")) @definition.element
(element (EmptyElemTag (Attribute (Name) @_key (AttValue) @name))
  (#any-of? @_key "id" "name" "xml:id" "x:Name")) @definition.element
`,
  comments: ['Comment'],
};
