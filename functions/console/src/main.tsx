// The console's beginning: the session first, then the pages.
import { render } from 'preact';
import { App } from './app';
import { applyTheme } from './preferences';
import { begin } from './session';

applyTheme();
await begin();
const root = document.getElementById('app');
if (root) {
  root.replaceChildren();
  render(<App />, root);
}
