// Sends the forms of the try-it page to this host with the key typed above, and shows what came back.
'use strict';

const keyField = document.getElementById('key');

function request(form) {
  const query = new URLSearchParams();
  const headers = { Authorization: `Bearer ${keyField.value.trim()}` };
  let path = form.dataset.path;
  for (const field of form.querySelectorAll('[data-in]')) {
    const value = field.value.trim();
    if (field.dataset.in === 'path') path = path.replace(`{${field.name}}`, encodeURIComponent(value));
    else if (value && field.dataset.in === 'query') query.set(field.name, value);
    else if (value && field.dataset.in === 'header') headers[field.name] = value;
  }
  const body = form.querySelector('[data-body]');
  const options = { method: form.dataset.method, headers, credentials: 'omit', cache: 'no-store' };
  if (body && body.dataset.body === 'json') {
    headers['Content-Type'] = 'application/json';
    options.body = body.value;
  } else if (body && body.files[0]) {
    options.body = body.files[0];
  }
  const search = query.toString();
  return [search ? `${path}?${search}` : path, options];
}

function curl(path, options) {
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const parts = [`curl -X ${options.method} ${quote(location.origin + path)}`];
  for (const [name, value] of Object.entries(options.headers)) {
    parts.push(name === 'Authorization' ? '-H "Authorization: Bearer $COUNTERSIGN_KEY"' : `-H ${quote(`${name}: ${value}`)}`);
  }
  if (typeof options.body === 'string') parts.push(`-d ${quote(options.body)}`);
  else if (options.body) parts.push(`--data-binary ${quote('@' + options.body.name)}`);
  return parts.join(' \\\n  ');
}

function pretty(text, type) {
  if (!/json/.test(type)) return text;
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

function show(place, title, good, ...blocks) {
  const heading = document.createElement('h4');
  heading.className = good ? 'good' : 'bad';
  heading.textContent = title;
  const shown = blocks.filter(Boolean).map((text) => {
    const block = document.createElement('pre');
    block.tabIndex = 0;
    block.textContent = text;
    return block;
  });
  place.replaceChildren(heading, ...shown);
}

async function send(form) {
  const place = form.querySelector('.answer');
  const [path, options] = request(form);
  try {
    const response = await fetch(path, options);
    const type = response.headers.get('Content-Type') || '';
    const text = /json|text/.test(type) ? pretty(await response.text(), type) : `${(await response.blob()).size} bytes of ${type || 'nothing'}`;
    show(place, `${response.status} ${response.ok ? 'done' : 'refused'}`, response.ok, text, curl(path, options));
  } catch {
    show(place, 'No answer. Is the network there?', false, curl(path, options));
  }
}

for (const form of document.querySelectorAll('form[data-path]')) {
  const button = form.querySelector('button');
  button.disabled = false;
  form.querySelector('.needs-script').remove();
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (!keyField.value.trim()) {
      show(form.querySelector('.answer'), 'Type your API key at the top of the page first.', false);
      keyField.focus();
      return;
    }
    button.disabled = true;
    await send(form);
    button.disabled = false;
  });
}
