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
command-check = In a group: reply to a photograph with it
description = I look at a photograph of a mole and say how much it resembles lesions that turned out to be malignant or pre-malignant, and how far that can be trusted. I am no doctor.
short-description = A careful second look at a photograph of a mole. No diagnosis.

## Beginning

start =
    Hello. Send me a photograph of a mole, and I will tell you how much it resembles lesions that turned out to be malignant or pre-malignant, and on how many examined lesions my answer rests.

    <b>What I cannot do.</b> I am a program, not a doctor. I see one photograph: not you, not how the mole has changed. A low score does not exclude melanoma. If a mole changes, bleeds or worries you, show it to a doctor whatever I say.
photo-instructions =
    <b>A good photograph</b>
    • one mole, from close by, so that it fills about a third of the photograph
    • sharp: hold still, let the camera focus
    • daylight, no flash glare
    • hair moved aside, nothing drawn on the skin
consent-question =
    Before I look at a photograph I need your consent. What you agree to: your photograph is stored until your answer is sent and is then deleted; a record of the answer, without the photograph, is kept for { $days ->
        [one] one day
       *[other] { $days } days
    } so that its buttons work. /privacy says more.
consent-waiting =
    { $photos ->
        [one] I have not looked at your photograph yet: I need your consent first. If you agree within 24 hours, I will look at it then.
       *[other] I have not looked at your { $photos } photographs yet: I need your consent first. If you agree within 24 hours, I will look at all of them then.
    }
consent-button = I agree
consent-thanks = Thank you. Now send me a photograph of a mole.
consent-thanks-waiting = Thank you. I am looking at what you sent.
consent-missing-in-group = Before I look at a photograph I need your consent. Please send me /start in a private chat, and I will ask for it there. If you agree within 24 hours, the answer will come here.
help =
    Send a photograph, as a photo or as a file (JPEG, PNG, WebP, HEIC), alone or several at once. Each gets its own answer, usually within seconds.

    The answer holds a score in words and figures, the evidence it rests on, and what to do next. An orange outline, if there is one, shows roughly what raised the score most.

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
    }:</b> the answer, with the number of this chat and of your message, so that its buttons work. If an answer could not be made or delivered, this record is kept until the people who run me have dealt with it, for thirty days at most.
    <b>Kept until half a year after your last photograph:</b> your consent and your language.
    <b>Kept until the end of the day:</b> how many photographs you have sent today, under a code from which nobody can read who you are. /delete_me leaves this count alone, so that the daily limit holds.
    <b>Never kept:</b> your name, your username, your texts. No photograph is used for training.

    /delete_me deletes everything else at once. What you see in this chat is kept by Telegram; you can delete it there.
language-question = In which language shall I answer?
language-changed = I will write in English from now on.
cancelled =
    { $photos ->
        [0] None of your photographs is waiting for an answer.
        [one] Withdrawn and deleted: one photograph.
       *[other] Withdrawn and deleted: { $photos } photographs.
    }
delete-question = Delete everything about you: photographs that wait, answers, consent and language?
delete-button = Yes, delete everything
delete-done = Everything about you is deleted, except today’s count of photographs: nobody can trace it to you, and it is deleted at the end of the day. What you see in this chat is kept by Telegram; you can delete it there. If you send a photograph again, I will ask for your consent again.
button-not-yours = Only the person who asked for this answer can use this button.
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
wait-hours =
    { $hours ->
        [one] about an hour
       *[other] about { $hours } hours
    }
status-waiting =
    { $before ->
        [0] Received. Your photograph is next. This should take { $wait }.
        [one] Received. One photograph is before yours. This should take { $wait }.
       *[other] Received. { $before } photographs are before yours. This should take { $wait }.
    }
status-in-progress = Your photograph is being looked at.
status-no-workers =
    Received and kept, but photographs are not being looked at right now. If I cannot look at yours within { $minutes ->
        [one] a minute
       *[other] { $minutes } minutes
    } of its arrival, I will tell you.
album-status =
    { $photos ->
        [one] Received: one photograph.
       *[other] Received: { $photos } photographs.
    } Answered so far: { $answered }.
album-finished =
    { $photos ->
        [one] I have answered the one photograph that I received.
       *[other] I have answered all { $photos } photographs that I received.
    }
rejected-service-busy =
    { $photos ->
        [one] I have more photographs than I can look at soon, and I have not kept this one. Please send it again in { $wait }.
       *[other] I have more photographs than I can look at soon, and I have not kept { $photos } of yours, beginning with this one. Please send them again in { $wait }.
    }
rejected-too-fast =
    { $photos ->
        [one] That is a lot at once, and I have not kept this photograph. Please send it again in { $wait }.
       *[other] That is a lot at once, and I have not kept { $photos } of your photographs, beginning with this one. Please send them again in { $wait }.
    }
rejected-daily-limit =
    { $photos ->
        [one] I cannot look at more of your photographs today, and I have not kept this one.
       *[other] I cannot look at more of your photographs today, and I have not kept { $photos } of them, beginning with this one.
    } Please send the rest tomorrow, and show the moles to a doctor: one look of a doctor is worth more than many of mine.
requests-too-fast = That is a lot at once. I will read new messages in a minute. /cancel and /delete_me work all the same.

## What cannot be looked at

only-photos-hint = I can only look at photographs of moles. Please send one as a photo, or as a JPEG, PNG, WebP or HEIC file. /help explains how it works.
check-hint = Please send /check as a reply to a photograph.
check-anonymous = I cannot see who is asking, because you write as the group or as a channel. So I cannot ask for your consent. Please send /check under your own name, or send me the photograph in a private chat.
own-image = I have drawn on this picture, and my own marks would mislead me. Please send the original photograph.
rejected-too-large =
    { $photos ->
        [one] This file is larger than { $megabytes } MB, more than Telegram lets me fetch. Please send it as a photo instead of a file: that makes it smaller, and it stays sharp enough.
       *[other] { $photos } of your files, beginning with this one, are larger than { $megabytes } MB, more than Telegram lets me fetch. Please send them as photos instead of files: that makes them smaller, and they stay sharp enough.
    }
refusal-title = I cannot judge this photograph
refusal-empty = The file is empty. Please send the photograph again.
refusal-too_many_bytes = The file is larger than { $megabytes } MB. Please send it as a photo and not as a file.
refusal-too_many_pixels = The photograph has more than { $megapixels } million pixels. Please send a smaller copy, or crop it around the mole.
refusal-too_small = The photograph is too small to show a mole. Please send the original and not a thumbnail of it.
refusal-not_a_picture = The file is not an image. Please send a photograph of the mole.
refusal-unsupported_format = I cannot read images of this format. Please send the photograph as JPEG, PNG, WebP or HEIC.
refusal-animated = The file is an animation or holds several images. Please send one still photograph of one mole.
refusal-damaged = The file is damaged or was cut off on its way. Please send it again, or take a new photograph.
refusal-unreadable = Reading this photograph would take more time or memory than I may spend on one. Please take a new photograph.
refusal-not_a_lesion = I see no mole in this photograph. If there is one, take the photograph from closer by: one mole, sharp, in daylight, filling about a third of it.
failure =
    I am sorry: I could not look at this photograph. That is our fault, not yours. Please send it again in a few minutes. If that fails too, take a new photograph.

    If the mole worries you, do not wait for me: show it to a doctor.
failure-other-release =
    I am being updated at this moment and could not look at this photograph. It is not lost: once the update is through, the people who run me can have it looked at, and the answer comes here by itself. Or send it again in a quarter of an hour.

    If the mole worries you, do not wait for me: show it to a doctor.

## The answer

band-high = 🔴 High score
band-elevated = 🟠 Elevated score
band-low = 🔵 Low score
band-uncertain = ⚪ No certain answer
meaning-high = It resembles lesions of which many were malignant or pre-malignant.
meaning-elevated = It scores higher than lesions that nearly always turned out harmless.
meaning-low = It resembles lesions that nearly always turned out harmless. That does not exclude melanoma.
meaning-uncertain = I was never tested on photographs like this one, so my score can neither reassure nor alarm you.
meaning-high-unmeasured = It scores high, but I was never tested on photographs like this one.
probability = Probability of a malignant or pre-malignant lesion: <b>{ $percent }</b>, { $words }.
probability-uncalibrated = My score is { $percent }, but for photographs like this one that is no probability.
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
receipt-unmeasured = <b>What that rests on:</b> nothing was measured on photographs like this one.
population-dermatoscope = dermatoscope photographs from clinics
population-phone = phone photographs from a clinic in Brazil
advice-blurred = The photograph is blurred.
advice-dark = The photograph is dark.
advice-bright = Parts of the photograph are washed out by too much light.
advice-small = The photograph is small and shows little detail.
advice-retake = A better photograph may change the answer.
next-high = <b>What to do:</b> have a dermatologist look at it soon, within days.
next-elevated = <b>What to do:</b> have a doctor look at it within the next few weeks, sooner if it changes or bleeds.
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

    A program compared your photograph with thousands of lesions whose diagnosis is known. It gives a number. On lesions that it had never seen, we tested how far such numbers can be trusted.

    <b>Probability.</b> { $calibrated ->
        [yes] { $percent } means: of 100 lesions with such a score, { $hundred ->
            [0] fewer than one was
            [1] about one was
            [100] more than 99 were
           *[other] about { $hundred } were
        } malignant (melanoma, basal or squamous cell carcinoma) or pre-malignant (actinic keratosis). They were seen on { $population }, and doctors had reason to photograph them; in everyday moles the share is lower.
       *[no] For photographs like yours nobody has measured how often the number is right. So it is not a probability, and we give no reassurance on it.
    }

    <b>The bands.</b> We chose the borders between high, elevated and low on tested lesions. In our tests at least 95 of 100 malignant or pre-malignant lesions scored above “low”. The others scored low, and among new photographs there may be more of them. That is why a low score never excludes melanoma. No probability above 10 % is ever called low.

    <b>The orange outline</b> shows roughly which part of the photograph raised the score most. It is not the border of the mole, and it means nothing by itself: in ordinary moles it often lies beside the mole, and a mirrored photograph can move it. If nothing is drawn, what lowered the score weighed much more. That is common with a low score, and does not exclude melanoma either.

    <b>What was not tested.</b> Hardly any of the tested photographs show dark skin, nails, mucous membranes or children. Be more careful with an answer there.

    <b>When to see a doctor anyway:</b> a mole that is new, grows, changes colour or shape, itches, bleeds, or looks unlike your others.
explain-refusal =
    The program gives no score where it would be worthless: if the photograph cannot be read, or shows something other than a mole. Take a new photograph: one mole, from close by, sharp, in daylight. If the mole worries you, show it to a doctor.

## For operators

stats =
    <b>Today (UTC)</b>
    verdicts { $verdicts }, refusals { $refusals }, failures { $failures }
    time to an answer: half within { $median } s, 99 % within { $p99 } s
    waiting { $ready }, in work { $claimed }, oldest { $oldest } s
    workers { $workers }, together { $speed } photographs a second
    dead letters { $dead }
