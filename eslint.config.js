"use strict";

const js = require("@eslint/js");
const globals = require("globals");

const strict = {
  eqeqeq: "error",
  "no-var": "error",
  "prefer-const": "error",
};

module.exports = [
  { ignores: ["**/node_modules/", ".tools/", ".venv/", "**/*.min.js"] },
  js.configs.recommended,
  {
    files: ["**/static/**/*.js"],
    languageOptions: {
      ecmaVersion: 2020,
      sourceType: "script",
      globals: globals.browser,
    },
    rules: { ...strict, strict: ["error", "function"] },
  },
  {
    files: ["tests/js/**/*.mjs"],
    languageOptions: { ecmaVersion: 2022, sourceType: "module", globals: globals.node },
    rules: strict,
  },
  {
    files: ["eslint.config.js"],
    languageOptions: { sourceType: "commonjs", globals: globals.node },
    rules: strict,
  },
];
