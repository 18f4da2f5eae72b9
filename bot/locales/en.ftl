## Language

# The language's own name, as the button of /language shows it
language-name = English

## Commands, as Telegram lists them

command-start = Begin, and how to take a good photograph
command-help = How it works and what it cannot do
command-language = Change the language
command-privacy = What is kept, and for how long
command-cancel = Withdraw photographs that wait for an answer
command-delete = Delete everything about me
command-check = In a group: reply to a picture with it
description = I look at a photograph of a mole and say how much it resembles lesions that turned out to be malignant, and how far that can be trusted. I am no doctor.
short-description = A careful second look at a photograph of a mole. No diagnosis.

## Beginning

start =
    Hello. Send me a photograph of a mole, and I will tell you how much it resembles lesions that turned out to be malignant, and how many examined lesions that rests on.

    <b>What I cannot do.</b> I am a program, not a doctor. I see one picture: not you, not how the mole has changed. A low score does not exclude melanoma. If a mole changes, bleeds or worries you, show it to a doctor whatever I say.
photo-instructions =
    <b>A good photograph</b>
    • one mole, from close by, so that it fills about a third of the picture
    • sharp: hold still, let the camera focus
    • daylight, no flash glare
    • hair moved aside, nothing drawn on the skin
consent-question =
    Before I look at a picture I need your consent: your photograph is stored until your answer is sent and then deleted; a record of the answer without the picture stays { $days ->
        [one] one day
       *[other] { $days } days
    } so that its buttons work. /privacy says more.
consent-waiting =
    I have not looked at your photograph yet: I need your consent first. I will answer it as soon as you agree, within the next 24 hours.
consent-button = I agree
consent-thanks = Thank you. Now send me a photograph of a mole.
consent-thanks-waiting = Thank you. I am looking at what you sent.
consent-missing-in-group = Please write to me in a private chat first: there I ask for your consent. Then send /check here again.
help =
    Send a photograph, as a photo or as a file (JPEG, PNG, WebP, HEIC), alone or several at once. Each gets its own answer, usually within seconds.

    The answer holds a score in words and figures, the evidence it rests on, and what to do next. The orange outline shows what weighed most in it.

    /language – change the language
    /cancel – withdraw photographs that wait
    /privacy – what is kept
    /delete_me – delete everything about you

    I am no doctor and this is no diagnosis. If a mole changes, bleeds or worries you, show it to a doctor.
privacy =
    <b>Kept until your answer is sent, then deleted:</b> the photograph itself. What the file says of place and camera is not used.
    <b>Kept for { $days ->
        [one] one day
       *[other] { $days } days
    }:</b> the answer, with the number of this chat and of your message, so that its buttons work.
    <b>Kept until half a year after your last message:</b> your consent, your language, how many photographs you sent today.
    <b>Never kept:</b> your name, your username, your texts. No photograph is used for training.

    /delete_me deletes all of it at once. What you see in this chat lies with Telegram; you can delete it there.
language-question = In which language shall I answer?
language-changed = I will write in English from now on.
cancelled =
    { $photos ->
        [0] Nothing of yours is waiting for an answer.
        [one] Withdrawn: one photograph. It is deleted.
       *[other] Withdrawn: { $photos } photographs. They are deleted.
    }
delete-question = Delete everything about you: photographs that wait, answers, consent and language?
delete-button = Yes, delete everything
delete-done = Everything about you is deleted. What you see in this chat lies with Telegram; you can delete it there. If you send a photograph again, I will ask for your consent again.
button-not-yours = Only the person who sent the photograph can use this button.
answer-expired = This answer is no longer kept. Please send the photograph again.

## While waiting

wait-unknown = a while
wait-seconds =
    { $seconds ->
        [one] about one second
       *[other] about { $seconds } seconds
    }
wait-minutes =
    { $minutes ->
        [one] about a minute
       *[other] about { $minutes } minutes
    }
status-waiting =
    { $before ->
        [0] Received. Your photograph is next: { $wait }.
        [one] Received. One photograph is before yours: { $wait }.
       *[other] Received. { $before } photographs are before yours: { $wait }.
    }
status-in-progress = Your photograph is being looked at.
status-no-workers = Received. Nothing is working on photographs at this moment; yours is safe and will be answered when it goes on.
album-status = Received: { $photos } pictures. Answered so far: { $answered }.
album-finished = All { $photos } pictures are answered.
rejected-service-busy = I have more photographs than I can look at soon. Please send yours again in { $wait }. I have not kept it.
rejected-too-fast = That is a lot at once. Please send the next photograph in { $wait }. I have not kept this one.
rejected-daily-limit = I cannot look at more of your photographs today, and I have not kept this one. Please come back tomorrow, and show the moles to a doctor: one look of theirs is worth more than many of mine.

## What cannot be looked at

only-photos-hint = I can only look at photographs of moles. Please send one as a photo, or as a JPEG, PNG, WebP or HEIC file. /help tells how it works.
check-hint = Please send /check as a reply to a picture.
rejected-too-large = This file is larger than { $megabytes } MB, more than Telegram lets me fetch. Please send it as a photo instead of a file: that makes it smaller, and it stays sharp enough.
refusal-title = I cannot judge this picture
refusal-empty = The file is empty. Please send the picture again.
refusal-too_many_bytes = The file is larger than { $megabytes } MB. Please send it as a photo and not as a file.
refusal-too_many_pixels = The picture has more than { $megapixels } million pixels. Please send a smaller copy, or crop it around the mole.
refusal-too_small = The picture is too small to show a mole. Please send the original and not a thumbnail of it.
refusal-not_a_picture = The file is not a picture. Please send a photograph of the mole.
refusal-unsupported_format = I cannot read pictures of this format. Please send the photograph as JPEG, PNG, WebP or HEIC.
refusal-animated = The file moves or holds several pictures. Please send one still photograph of one mole.
refusal-damaged = The file is damaged or was cut off on its way. Please send it again, or take a new photograph.
refusal-unreadable = Reading this picture would take more time or memory than I may spend on one. Please take a new photograph.
refusal-not_a_lesion = I see no mole in this picture. If there is one, take the photograph from closer by: one mole, sharp, in daylight, filling about a third of the picture.
failure =
    I am sorry: I could not look at this photograph. That is our fault, not your picture's. Please send it again in a few minutes.

    If the mole worries you, do not wait for me: show it to a doctor.
failure-other-release =
    I am being updated at this moment and could not look at this photograph. It is not lost: once the update is through, the people who run me can have it looked at, and the answer comes here by itself. Or send it again in a quarter of an hour.

    If the mole worries you, do not wait for me: show it to a doctor.

## The answer

band-high = 🔴 High score
band-elevated = 🟠 Elevated score
band-low = 🔵 Low score
band-uncertain = ⚪ No certain answer
meaning-high = It resembles lesions of which many were malignant.
meaning-elevated = It scores higher than lesions that nearly always turned out harmless.
meaning-low = It resembles lesions that nearly always turned out harmless. That does not exclude melanoma.
meaning-uncertain = I was never tested on pictures like this one, so my score can neither reassure nor alarm you.
meaning-high-unmeasured = It scores high, but I was never tested on pictures like this one.
probability = Probability of a malignant or pre-malignant lesion: <b>{ $percent }</b>, { $words }.
probability-uncalibrated = My score for it is { $percent }, but for such pictures that is no probability.
frequency-very-low = fewer than 1 in 100
frequency = about { $count } in { $total }
frequency-very-high = more than 99 in 100
receipt =
    <b>What that rests on:</b> of { $lesions } examined lesions that scored like yours, { $malignant ->
        [0] none was
        [one] one was
       *[other] { $malignant } were
    } malignant or pre-malignant (95 % interval: { $low } to { $high } %). Measured on { $population }.
receipt-no-lesions = <b>What that rests on:</b> no examined lesion scored like this one, so I have no evidence to show.
receipt-unmeasured = <b>What that rests on:</b> nothing was measured on pictures like this one.
population-dermatoscope = dermatoscope pictures from clinics
population-phone = phone photographs from a clinic in Brazil
advice-blurred = The picture is blurred.
advice-dark = The picture is dark.
advice-bright = Parts of the picture are washed out by too much light.
advice-small = The picture is small and shows little detail.
advice-retake = A better photograph may change the answer.
next-high = <b>What to do:</b> have a dermatologist look at it soon, within days.
next-elevated = <b>What to do:</b> have a doctor look at it in the next weeks, sooner if it changes or bleeds.
next-low = <b>What to do:</b> watch it. If it changes in size, shape or colour, itches or bleeds, show it to a doctor.
next-uncertain = <b>What to do:</b> if it is new, changes, bleeds or worries you, show it to a doctor.
no-diagnosis = <i>This is not a diagnosis.</i>
explain-button = What does this mean?
delete-data-button = Delete my data
feedback-button = Was this clear?
feedback-question = Was the answer clear to you?
feedback-yes = Yes
feedback-no = No
feedback-thanks = Thank you. Only the count is kept.
explain-verdict =
    <b>What this answer means</b>

    A program compared your photograph with thousands of lesions whose diagnosis is known. It gives a number, and we tested on lesions that it had never seen what such numbers are worth.

    <b>Probability.</b> { $calibrated ->
        [yes] { $percent } means: of 100 lesions with such a score, about { $hundred } were malignant (melanoma, basal or squamous cell carcinoma) or pre-malignant (actinic keratosis). They were seen on { $population }, and doctors had reason to photograph them; in everyday moles the share is lower.
       *[no] For pictures like yours nobody has measured how often the number is right. So it is not a probability, and we give no reassurance on it.
    }

    <b>The bands.</b> High, elevated and low are borders that we chose on tested lesions. “Low” is set so that at least 95 of 100 malignant or pre-malignant lesions score above it, and it is never a probability above 10 %. So up to 5 of 100 do score low: that is why a low score never excludes melanoma.

    <b>The orange outline</b> shows which part of the picture weighed most towards “suspicious”. It is not the border of the mole, and no finding in itself. Where nothing is drawn, nothing in the picture spoke for it.

    <b>What was not tested.</b> Dark skin, nails, mucous membranes and children are hardly among the tested pictures. Be more careful with an answer there.

    <b>When to see a doctor anyway:</b> a mole that is new, grows, changes colour or shape, itches, bleeds, or looks unlike your others.
explain-refusal =
    The program gives no score where it would be worthless: if the picture cannot be read, or shows something other than a mole. Take a new photograph: one mole, from close by, sharp, in daylight. If the mole worries you, show it to a doctor.

## For operators

stats =
    <b>Today (UTC)</b>
    verdicts { $verdicts }, refusals { $refusals }, apologies { $failures }
    time to an answer: half within { $median } s, 99 % within { $p99 } s
    waiting { $ready }, in work { $claimed }, oldest { $oldest } s
    workers { $workers }, together { $speed } pictures a second
    dead letters { $dead }
