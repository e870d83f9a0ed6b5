// Draw a signature: the pad fills a hidden field with a PNG; the typed name alone signs as well.
(() => {
  const pad = document.querySelector("[data-pad]");
  if (!pad) return;
  const field = document.getElementById(pad.dataset.pad);
  const box = pad.closest("[data-pad-box]");
  const pen = pad.getContext("2d");
  let drawing = false;
  const ink = () => { pen.lineWidth = 3; pen.lineCap = "round"; pen.lineJoin = "round"; pen.strokeStyle = "#18212f"; };
  const at = (event) => {
    const frame = pad.getBoundingClientRect();
    return [(event.clientX - frame.left) * (pad.width / frame.width), (event.clientY - frame.top) * (pad.height / frame.height)];
  };
  const clear = () => { pen.clearRect(0, 0, pad.width, pad.height); field.value = ""; box.classList.remove("has-ink"); };
  box.hidden = false;
  ink();
  if (field.value) { // what was drawn before the form came back
    const drawn = new Image();
    drawn.onload = () => { pen.drawImage(drawn, 0, 0); box.classList.add("has-ink"); };
    drawn.src = field.value;
  }
  pad.addEventListener("pointerdown", (event) => {
    drawing = true;
    pad.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(...at(event));
    event.preventDefault();
  });
  pad.addEventListener("pointermove", (event) => {
    if (!drawing) return;
    pen.lineTo(...at(event));
    pen.stroke();
  });
  const end = () => {
    if (!drawing) return;
    drawing = false;
    box.classList.add("has-ink");
    field.value = pad.toDataURL("image/png");
  };
  pad.addEventListener("pointerup", end);
  pad.addEventListener("pointercancel", end);
  box.querySelector("[data-pad-clear]").addEventListener("click", clear);
})();
