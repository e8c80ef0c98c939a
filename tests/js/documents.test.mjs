// What docs/reference/javascript.md shows does what it says, on a page that is followed.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { afterEach, describe, it } from "node:test";
import { A, Page, container } from "./page.mjs";
