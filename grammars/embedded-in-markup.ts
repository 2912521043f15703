/** Scripts and styles of a page, in the language that their tag names. */
export const embeddedInMarkup = `
(script_element (raw_text) @content.javascript)
(script_element (start_tag (attribute (attribute_name) @_key (quoted_attribute_value (attribute_value) @language)))
  (raw_text) @content (#match? @_key "^(type|lang)$"))
(style_element (raw_text) @content.css)
(style_element (start_tag (attribute (attribute_name) @_key (quoted_attribute_value (attribute_value) @language)))
  (raw_text) @content (#match? @_key "^(type|lang)$"))
`;
